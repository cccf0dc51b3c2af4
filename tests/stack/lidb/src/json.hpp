// The little JSON of the command line: requests in, results out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sql/executor.hpp"

namespace lidb {

struct Request {
  std::string sql;
  std::vector<Value> parameters;
};

std::vector<Value> parse_parameters(std::string_view text);  // [..]; blank text counts as none
Request parse_request(std::string_view text);                // {"sql": .., "params": [..]}

std::string to_json(const sql::Result& result);  // every value as text; a value that is not there has no key
std::string error_json(const std::string& message);
std::string to_plain(const Value& value);

}  // namespace lidb
