// SQL text to statements.
#pragma once

#include <string_view>
#include <vector>

#include "sql/ast.hpp"

namespace lidb::sql {

Statement parse(std::string_view text);                      // exactly one statement
std::vector<Statement> parse_script(std::string_view text);  // statements that end with a semicolon

bool valid_utf8(std::string_view text);

// A number as SQL and JSON write it; throws when it is none or out of range.
Value parse_number(const std::string& digits);

}  // namespace lidb::sql
