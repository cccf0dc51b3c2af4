#include "sql/executor.hpp"

#include <algorithm>
#include <cstdlib>

#include "sql/parser.hpp"

namespace lidb::sql {
namespace {

std::size_t index_of(const Table& table, const std::string& name) {
  for (std::size_t at = 0; at < table.columns.size(); ++at) {
    if (table.columns[at].name == name) return at;
  }
  throw Error("no such column: " + name);
}

// The value as the column keeps it: whole numbers become real ones and numbers in quotes become numbers where
// a number is wanted; everything else must have the column's type.
Value fit(const Column& column, Value value) {
  if (value.index() == 0 || value.index() == static_cast<std::size_t>(column.type)) return value;
  if (column.type != Type::text) {
    if (const auto* text = std::get_if<std::string>(&value)) value = parse_number(*text);
    if (value.index() == static_cast<std::size_t>(column.type)) return value;
    if (const auto* whole = std::get_if<std::int64_t>(&value)) return static_cast<double>(*whole);
  }
  throw Error("column " + column.name + " does not take a value of this type");
}

class Executor {
 public:
  Executor(Database& database, const std::vector<Value>& parameters)
      : database_(database), parameters_(parameters) {}

  Result operator()(const Create& create) {
    if (database_.tables().contains(create.table.table)) {
      if (create.if_not_exists) return {};
      throw Error("table exists: " + create.table.table);
    }
    database_.commit({create.table});
    return {};
  }

  Result operator()(const Insert& insert) {
    const auto& table = database_.table(insert.table);
    if (insert.columns.size() != insert.values.size()) throw Error("INSERT needs one value for each column");
    Row row(table.columns.size());
    std::vector<bool> given(table.columns.size());
    for (std::size_t at = 0; at < insert.columns.size(); ++at) {
      const auto index = index_of(table, insert.columns[at]);
      if (given[index]) throw Error("column given twice: " + insert.columns[at]);
      given[index] = true;
      row[index] = fit(table.columns[index], resolve(insert.values[at]));
    }
    check_required(table, row);
    if (table.rows.contains(row[table.key])) throw Error("primary key exists in " + insert.table);
    database_.commit({PutRow{insert.table, std::move(row)}});
    return changed(1);
  }

  Result operator()(const Select& select) {
    if (select.table.empty()) return without_table(select);
    const auto& table = database_.table(select.table);
    auto rows = matching(table, select.where);
    if (!select.order.empty()) {
      const auto by = index_of(table, select.order);
      std::stable_sort(rows.begin(), rows.end(), [&](const Row* left, const Row* right) {
        return select.descending ? (*right)[by] < (*left)[by] : (*left)[by] < (*right)[by];
      });
    }
    const auto limit = static_cast<std::size_t>(select.limit.value_or(INT64_MAX));
    const bool counts = std::any_of(select.items.begin(), select.items.end(),
                                    [](const Item& item) { return item.kind == Item::Kind::count; });
    if (counts) return count(select, rows.size());
    if (rows.size() > limit) rows.resize(limit);
    return project(table, select.items, rows);
  }

  Result operator()(const Update& update) {
    const auto& table = database_.table(update.table);
    std::vector<Change> changes;
    const auto rows = matching(table, update.where);
    for (const auto* old : rows) {
      Row row = *old;
      for (const auto& [name, expression] : update.set) {
        const auto index = index_of(table, name);
        if (index == table.key) throw Error("a primary key cannot be updated: " + name);
        row[index] = fit(table.columns[index], resolve(expression));
      }
      check_required(table, row);
      changes.emplace_back(PutRow{update.table, std::move(row)});
    }
    for (const auto& [name, expression] : update.set) index_of(table, name);  // even when no row matches
    database_.commit(changes);
    return changed(changes.size());
  }

  Result operator()(const Delete& erase) {
    const auto& table = database_.table(erase.table);
    std::vector<Change> changes;
    for (const auto* row : matching(table, erase.where)) {
      changes.emplace_back(EraseRow{erase.table, (*row)[table.key]});
    }
    database_.commit(changes);
    return changed(changes.size());
  }

 private:
  const Value& resolve(const Expression& expression) const {
    return expression.parameter == 0 ? expression.literal : parameters_.at(expression.parameter - 1);
  }

  static Result changed(std::size_t affected) {
    Result result;
    result.affected = affected;
    return result;
  }

  static void check_required(const Table& table, const Row& row) {
    for (std::size_t at = 0; at < row.size(); ++at) {
      const auto& column = table.columns[at];
      if (column.required && row[at].index() == 0) throw Error("column may not be null: " + column.name);
    }
  }

  std::vector<const Row*> matching(const Table& table, const std::vector<Assignment>& where) const {
    std::vector<std::pair<std::size_t, Value>> conditions;
    for (const auto& [name, expression] : where) {
      const auto index = index_of(table, name);
      conditions.emplace_back(index, fit(table.columns[index], resolve(expression)));
    }
    const auto matches = [&](const Row& row) {
      return std::all_of(conditions.begin(), conditions.end(), [&](const auto& condition) {
        const auto& [index, value] = condition;
        return value.index() != 0 && row[index] == value;  // nothing equals NULL
      });
    };
    std::vector<const Row*> rows;
    for (const auto& [index, value] : conditions) {  // by primary key: no need to look at every row
      if (index != table.key) continue;
      const auto found = table.rows.find(value);
      if (found != table.rows.end() && matches(found->second)) rows.push_back(&found->second);
      return rows;
    }
    for (const auto& [key, row] : table.rows) {
      if (matches(row)) rows.push_back(&row);
    }
    return rows;
  }

  static Result without_table(const Select& select) {
    Result result;
    Row row;
    for (const auto& item : select.items) {
      if (item.kind != Item::Kind::literal) throw Error("a column needs a table to come FROM");
      result.columns.push_back(item.name);
      row.push_back(item.literal);
    }
    if (row.empty()) throw Error("* needs a table to come FROM");
    result.rows.push_back(std::move(row));
    return result;
  }

  static Result count(const Select& select, std::size_t rows) {
    if (select.items.size() != 1) throw Error("COUNT(*) stands alone in a select list");
    Result result;
    result.columns = {select.items[0].name};
    result.rows = {Row{static_cast<std::int64_t>(rows)}};
    return result;
  }

  static Result project(const Table& table, const std::vector<Item>& items,
                        const std::vector<const Row*>& rows) {
    Result result;
    std::vector<std::size_t> indices;
    for (const auto& item : items) {
      if (item.kind == Item::Kind::literal) throw Error("a literal cannot be selected FROM a table");
      indices.push_back(index_of(table, item.column));
      result.columns.push_back(item.name);
    }
    if (items.empty()) {
      for (std::size_t at = 0; at < table.columns.size(); ++at) {
        indices.push_back(at);
        result.columns.push_back(table.columns[at].name);
      }
    }
    for (const auto* row : rows) {
      Row picked;
      for (const auto index : indices) picked.push_back((*row)[index]);
      result.rows.push_back(std::move(picked));
    }
    return result;
  }

  Database& database_;
  const std::vector<Value>& parameters_;
};

}  // namespace

Result execute(Database& database, const Statement& statement, const std::vector<Value>& parameters) {
  if (parameters.size() != statement.parameters) {
    throw Error("the statement takes " + std::to_string(statement.parameters) + " parameters, got " +
                std::to_string(parameters.size()));
  }
  return std::visit(Executor(database, parameters), statement.what);
}

}  // namespace lidb::sql
