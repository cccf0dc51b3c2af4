// The SQL that the engine speaks, parsed.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/value.hpp"

namespace lidb::sql {

struct Expression {  // a literal, or the n-th parameter (from 1)
  Value literal;
  std::size_t parameter = 0;
};

using Assignment = std::pair<std::string, Expression>;  // also a condition: column = expression

struct Create {
  CreateTable table;
  bool if_not_exists = false;
};

struct Insert {
  std::string table;
  std::vector<std::string> columns;
  std::vector<Expression> values;
};

struct Item {  // one entry of a select list
  enum class Kind { column, count, literal } kind = Kind::column;
  std::string column;
  Value literal;
  std::string name;  // of the column in the answer
};

struct Select {
  std::vector<Item> items;  // none: *
  std::string table;        // empty: a select without FROM
  std::vector<Assignment> where;
  std::string order;  // empty: by primary key
  bool descending = false;
  std::optional<std::int64_t> limit;
};

struct Update {
  std::string table;
  std::vector<Assignment> set;
  std::vector<Assignment> where;
};

struct Delete {
  std::string table;
  std::vector<Assignment> where;
};

struct Statement {
  std::variant<Create, Insert, Select, Update, Delete> what;
  std::size_t parameters = 0;  // how many it takes
};

}  // namespace lidb::sql
