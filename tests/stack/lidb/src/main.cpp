// lidb_embed: the engine as a program. One command per call; `session` answers many.
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "engine/database.hpp"
#include "sql/executor.hpp"
#include "sql/migrations.hpp"
#include "sql/parser.hpp"
#include "src/json.hpp"

namespace lidb {
namespace {

constexpr const char* usage =
    "lidb_embed open|migrate|exec|exec-json|session <data-dir> [sql]\n"
    "  exec       values with a blank between them, a row a line\n"
    "  exec-json  parameters as a JSON array on stdin\n"
    "  session    {\"sql\": .., \"params\": [..]} a line, an answer a line\n";

void print_line(const std::string& line) {
  // Flushed at once: an answer that could not be delivered is an error, not a success.
  if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size() || std::fputc('\n', stdout) == EOF ||
      std::fflush(stdout) != 0) {
    throw Error("cannot write the answer");
  }
}

sql::Result run(Database& database, std::string_view text, const std::vector<Value>& parameters) {
  const auto statement = sql::parse(text);
  const Database::Operation operation(database);
  return sql::execute(database, statement, parameters);
}

void open(Database& database) {
  const Database::Operation operation(database);
  print_line("open ok wal_lsn=" + std::to_string(database.lsn()) + " catalog=\"" + database.heap_path() +
             "\" backend=native");
}

void migrate(Database& database) {
  const Database::Operation operation(database);
  for (const auto script : migrations()) {
    for (const auto& statement : sql::parse_script(script)) sql::execute(database, statement, {});
  }
  print_line("migrate ok");
}

void exec(Database& database, std::string_view text) {
  for (const auto& row : run(database, text, {}).rows) {
    std::string line;
    for (std::size_t at = 0; at < row.size(); ++at) {
      if (at > 0) line += ' ';
      line += to_plain(row[at]);
    }
    print_line(line);
  }
}

std::string read_stdin() {
  std::string text;
  char block[4096];
  while (const auto got = std::fread(block, 1, sizeof block, stdin)) text.append(block, got);
  return text;
}

void exec_json(Database& database, std::string_view text) {
  const auto parameters = parse_parameters(read_stdin());
  print_line(to_json(run(database, text, parameters)));
}

void session(Database& database) {
  std::string line;
  for (int c = std::fgetc(stdin); c != EOF; c = std::fgetc(stdin)) {
    if (c != '\n') {
      line += static_cast<char>(c);
      continue;
    }
    std::string answer;
    try {
      const auto request = parse_request(line);
      answer = to_json(run(database, request.sql, request.parameters));
    } catch (const Error& error) {
      answer = error_json(error.what());
    }
    print_line(answer);
    line.clear();
  }
}

int main(const std::vector<std::string>& arguments) {
  const std::string command = arguments.empty() ? "" : arguments[0];
  const bool takes_sql = command == "exec" || command == "exec-json";
  const bool known = takes_sql || command == "open" || command == "migrate" || command == "session";
  if (!known || arguments.size() != (takes_sql ? 3u : 2u)) {
    std::fputs(usage, stderr);
    return 2;
  }
  try {
    Database database(arguments[1]);
    if (command == "open") open(database);
    if (command == "migrate") migrate(database);
    if (command == "exec") exec(database, arguments[2]);
    if (command == "exec-json") exec_json(database, arguments[2]);
    if (command == "session") session(database);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s failed: %s\n", takes_sql ? "exec" : command.c_str(), error.what());
    return 1;
  }
}

}  // namespace
}  // namespace lidb

int main(int count, char** arguments) { return lidb::main({arguments + 1, arguments + count}); }
