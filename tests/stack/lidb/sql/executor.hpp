// Runs parsed statements on a database.
#pragma once

#include <string>
#include <vector>

#include "engine/database.hpp"
#include "sql/ast.hpp"

namespace lidb::sql {

struct Result {
  std::vector<std::string> columns;
  std::vector<Row> rows;
  std::size_t affected = 0;
};

// Within a Database::Operation of the caller.
Result execute(Database& database, const Statement& statement, const std::vector<Value>& parameters);

}  // namespace lidb::sql
