// What a database holds: values in rows in tables, and the changes that lead from one state to the next.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

namespace lidb {

// Everything that goes wrong by request, by data or by disk; the message is for the caller.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using Value = std::variant<std::monostate, std::int64_t, double, std::string>;
using Row = std::vector<Value>;

// The numbers are the alternatives of Value, so a stored value's type is its index.
enum class Type : std::uint8_t { integer = 1, real = 2, text = 3 };

struct Column {
  std::string name;
  Type type = Type::text;
  bool required = false;
};

struct Table {
  std::vector<Column> columns;
  std::size_t key = 0;  // which column is the primary key
  std::map<Value, Row> rows;
};

using Tables = std::map<std::string, Table>;

struct CreateTable {
  std::string table;
  std::vector<Column> columns;
  std::size_t key = 0;
};
struct PutRow {  // insert, or replace the row with this key
  std::string table;
  Row row;
};
struct EraseRow {
  std::string table;
  Value key;
};
using Change = std::variant<CreateTable, PutRow, EraseRow>;

}  // namespace lidb
