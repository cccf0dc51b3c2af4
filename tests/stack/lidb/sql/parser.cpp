#include "sql/parser.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace lidb::sql {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c); }

std::string lower(std::string text) {
  for (auto& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

struct Token {
  enum class Kind { word, number, text, sign, end } kind = Kind::end;
  std::string text;  // words in lower case: neither keywords nor names have a case
};

// Cuts the text into tokens, one ahead of the parser.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) { next(); }
  const Token& peek() const { return token_; }

  Token next() {
    auto taken = std::move(token_);
    token_ = scan();
    return taken;
  }

 private:
  void skip_blank() {
    for (;;) {
      text_.remove_prefix(std::min(text_.find_first_not_of(" \t\r\n"), text_.size()));
      if (!text_.starts_with("--")) return;
      text_.remove_prefix(std::min(text_.find('\n'), text_.size()));
    }
  }

  std::string take_while(bool (*accepted)(char)) {
    std::size_t count = 0;
    while (count < text_.size() && accepted(text_[count])) ++count;
    std::string taken(text_.substr(0, count));
    text_.remove_prefix(count);
    return taken;
  }

  std::string quoted() {
    std::string content;
    for (std::size_t at = 1; at < text_.size(); ++at) {
      if (text_[at] != '\'') {
        content += text_[at];
      } else if (at + 1 < text_.size() && text_[at + 1] == '\'') {
        content += text_[at++];
      } else {
        text_.remove_prefix(at + 1);
        if (!valid_utf8(content)) throw Error("a text literal is not valid UTF-8");
        return content;
      }
    }
    throw Error("a text literal has no closing quote");
  }

  Token scan() {
    skip_blank();
    if (text_.empty()) return {};
    const char first = text_[0];
    const char second = text_.size() > 1 ? text_[1] : '\0';
    if (first == '\'') return {Token::Kind::text, quoted()};
    if (is_digit(first) || (first == '-' && is_digit(second))) {
      std::string sign(first == '-' ? 1 : 0, '-');
      text_.remove_prefix(sign.size());
      return {Token::Kind::number, sign + take_while([](char c) { return is_word(c) || c == '.'; })};
    }
    if (is_word(first)) return {Token::Kind::word, lower(take_while(is_word))};
    text_.remove_prefix(1);
    return {Token::Kind::sign, std::string(1, first)};
  }

  std::string_view text_;
  Token token_;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  bool at_end() const { return lexer_.peek().kind == Token::Kind::end; }
  bool accept_semicolon() { return accept(";"); }

  Statement statement() {
    parameters_ = marks_ = 0;
    Statement parsed;
    if (accept("create")) {
      parsed.what = create();
    } else if (accept("insert")) {
      parsed.what = insert();
    } else if (accept("select")) {
      parsed.what = select();
    } else if (accept("update")) {
      parsed.what = update();
    } else if (accept("delete")) {
      expect("from");
      Delete erased{.table = name(), .where = {}};
      erased.where = where();
      parsed.what = std::move(erased);
    } else {
      unexpected("a statement");
    }
    parsed.parameters = parameters_;
    return parsed;
  }

 private:
  [[noreturn]] void unexpected(const std::string& wanted) const {
    const auto& got = lexer_.peek();
    throw Error("syntax: expected " + wanted + ", got " + (at_end() ? "the end" : "'" + got.text + "'"));
  }

  bool accept(const std::string& text) {
    const auto& token = lexer_.peek();
    const bool plain = token.kind == Token::Kind::word || token.kind == Token::Kind::sign;
    if (!plain || token.text != text) return false;
    lexer_.next();
    return true;
  }

  void expect(const std::string& text) {
    if (!accept(text)) unexpected("'" + text + "'");
  }

  std::string name() {
    if (lexer_.peek().kind != Token::Kind::word) unexpected("a name");
    return lexer_.next().text;
  }

  Expression expression() {
    if (accept("?")) return parameter(++marks_);
    if (accept("$")) return parameter(static_cast<std::size_t>(whole("a number")));
    if (accept("null")) return {};
    if (lexer_.peek().kind == Token::Kind::text) return {lexer_.next().text, 0};
    if (lexer_.peek().kind == Token::Kind::number) return {parse_number(lexer_.next().text), 0};
    unexpected("a value");
  }

  Expression parameter(std::size_t number) {
    if (number < 1 || number > 999) throw Error("syntax: parameters are numbered from $1");
    parameters_ = std::max(parameters_, number);
    return {{}, number};
  }

  std::int64_t whole(const std::string& wanted) {
    if (lexer_.peek().kind != Token::Kind::number) unexpected(wanted);
    const auto value = parse_number(lexer_.next().text);
    const auto* number = std::get_if<std::int64_t>(&value);
    if (!number || *number < 0) throw Error("syntax: expected " + wanted);
    return *number;
  }

  Create create() {
    Create made;
    expect("table");
    if (accept("if")) {
      expect("not");
      expect("exists");
      made.if_not_exists = true;
    }
    made.table.table = name();
    expect("(");
    std::size_t keys = 0;
    do {
      Column column{.name = name()};
      column.type = type();
      if (accept("primary")) {
        expect("key");
        column.required = true;
        made.table.key = made.table.columns.size();
        ++keys;
      } else if (accept("not")) {
        expect("null");
        column.required = true;
      }
      made.table.columns.push_back(std::move(column));
    } while (accept(","));
    expect(")");
    if (keys != 1) throw Error("table " + made.table.table + " needs one PRIMARY KEY column");
    return made;
  }

  Type type() {
    if (accept("text")) return Type::text;
    if (accept("integer")) return Type::integer;
    if (accept("real")) return Type::real;
    unexpected("TEXT, INTEGER or REAL");
  }

  Insert insert() {
    expect("into");
    Insert added{.table = name(), .columns = {}, .values = {}};
    expect("(");
    do added.columns.push_back(name());
    while (accept(","));
    expect(")");
    expect("values");
    expect("(");
    do added.values.push_back(expression());
    while (accept(","));
    expect(")");
    return added;
  }

  Select select() {
    Select read;
    if (!accept("*")) {
      do read.items.push_back(item());
      while (accept(","));
    }
    if (!accept("from")) return read;
    read.table = name();
    read.where = where();
    if (accept("order")) {
      expect("by");
      read.order = name();
      read.descending = accept("desc");
      if (!read.descending) accept("asc");
    }
    if (accept("limit")) read.limit = whole("a limit");
    return read;
  }

  Item item() {
    Item made;
    const auto kind = lexer_.peek().kind;
    if (kind == Token::Kind::number || kind == Token::Kind::text) {
      made.kind = Item::Kind::literal;
      made.name = "value";
      made.literal = expression().literal;
    } else {
      made.column = made.name = name();
      if (made.column == "count" && accept("(")) {
        made.kind = Item::Kind::count;
        expect("*");
        expect(")");
      }
    }
    if (accept("as")) made.name = name();
    return made;
  }

  Update update() {
    Update changed{.table = name(), .set = {}, .where = {}};
    expect("set");
    do changed.set.push_back(assignment());
    while (accept(","));
    changed.where = where();
    return changed;
  }

  std::vector<Assignment> where() {
    std::vector<Assignment> conditions;
    if (!accept("where")) return conditions;
    do conditions.push_back(assignment());
    while (accept("and"));
    return conditions;
  }

  Assignment assignment() {
    auto column = name();
    expect("=");
    return {std::move(column), expression()};
  }

  Lexer lexer_;
  std::size_t parameters_ = 0;  // the highest number seen
  std::size_t marks_ = 0;       // how many '?'
};

}  // namespace

Statement parse(std::string_view text) {
  Parser parser(text);
  auto statement = parser.statement();
  parser.accept_semicolon();
  if (!parser.at_end()) throw Error("syntax: one statement at a time, something follows it");
  return statement;
}

std::vector<Statement> parse_script(std::string_view text) {
  Parser parser(text);
  std::vector<Statement> statements;
  while (!parser.at_end()) {
    statements.push_back(parser.statement());
    if (!parser.accept_semicolon()) throw Error("syntax: a statement of a script ends with ';'");
  }
  return statements;
}

bool valid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xC2 ? 0
                               : lead < 0xE0 ? 2
                               : lead < 0xF0 ? 3
                               : lead < 0xF5 ? 4
                                             : 0;
    if (length == 0 || at + length > text.size()) return false;
    std::uint32_t point = length == 1 ? lead : lead & (0x7Fu >> length);
    for (std::size_t next = 1; next < length; ++next) {
      const auto byte = static_cast<unsigned char>(text[at + next]);
      if ((byte & 0xC0) != 0x80) return false;
      point = (point << 6) | (byte & 0x3Fu);
    }
    // Not in their shortest form, surrogates, beyond Unicode.
    if ((length == 3 && point < 0x800) || (length == 4 && point < 0x10000)) return false;
    if ((point >= 0xD800 && point < 0xE000) || point > 0x10FFFF) return false;
    at += length;
  }
  return true;
}

Value parse_number(const std::string& digits) {
  std::int64_t whole = 0;
  const auto* end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, whole);
  if (read.ptr == end && read.ec == std::errc{}) return whole;
  const bool plain = digits.find_first_not_of("0123456789+-.eE") == std::string::npos;
  if (plain && digits.find_first_of(".eE") != std::string::npos) {
    char* stop = nullptr;
    const double real = std::strtod(digits.c_str(), &stop);
    if (stop == digits.c_str() + digits.size() && std::isfinite(real)) return real;
  }
  throw Error("not a number, or out of range: " + digits);
}

}  // namespace lidb::sql
