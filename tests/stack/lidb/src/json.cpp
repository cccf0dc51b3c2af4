#include "src/json.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "sql/parser.hpp"

namespace lidb {
namespace {

constexpr std::string_view blanks = " \t\r\n";

void put_utf8(std::string& out, std::uint32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
    return;
  }
  const int tail = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  static constexpr std::uint8_t leads[] = {0, 0xC0, 0xE0, 0xF0};
  out += static_cast<char>(leads[tail] | (point >> (6 * tail)));
  for (int left = tail - 1; left >= 0; --left) {
    out += static_cast<char>(0x80 | ((point >> (6 * left)) & 0x3F));
  }
}

class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  void end() {
    if (peek() != '\0' || !text_.empty()) fail("the end");
  }

  std::vector<Value> array() {
    std::vector<Value> values;
    expect('[');
    if (accept(']')) return values;
    do values.push_back(scalar());
    while (accept(','));
    expect(']');
    return values;
  }

  Request request() {
    Request made;
    expect('{');
    do {
      const auto key = string();
      expect(':');
      if (key == "sql") {
        made.sql = string();
      } else if (key == "params") {
        made.parameters = array();
      } else {
        throw Error("JSON: unknown key in a request: " + key);
      }
    } while (accept(','));
    expect('}');
    return made;
  }

 private:
  [[noreturn]] static void fail(const std::string& wanted) { throw Error("JSON: expected " + wanted); }

  char peek() {
    text_.remove_prefix(std::min(text_.find_first_not_of(blanks), text_.size()));
    return text_.empty() ? '\0' : text_[0];
  }

  bool accept(char sign) {
    if (peek() != sign || text_.empty()) return false;
    text_.remove_prefix(1);
    return true;
  }

  void expect(char sign) {
    if (!accept(sign)) fail(std::string("'") + sign + "'");
  }

  bool accept_word(std::string_view word) {
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }

  Value scalar() {
    if (peek() == '"') return string();
    if (accept_word("null")) return {};
    if (accept_word("true")) return std::int64_t{1};
    if (accept_word("false")) return std::int64_t{0};
    const auto length = std::min(text_.find_first_not_of("0123456789+-.eE"), text_.size());
    if (length == 0) fail("a text, a number, true, false or null");
    const std::string digits(text_.substr(0, length));
    text_.remove_prefix(length);
    return sql::parse_number(digits);
  }

  std::string string() {
    expect('"');
    std::string content;
    for (;;) {
      if (text_.empty()) fail("the end of a text");
      const char c = text_[0];
      text_.remove_prefix(1);
      if (c == '"') break;
      if (static_cast<unsigned char>(c) < 0x20) fail("an escaped control character");
      if (c == '\\') {
        escape(content);
      } else {
        content += c;
      }
    }
    if (!sql::valid_utf8(content)) throw Error("JSON: a text is not valid UTF-8");
    return content;
  }

  void escape(std::string& content) {
    static constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
    if (text_.empty()) fail("an escape");
    const char letter = text_[0];
    text_.remove_prefix(1);
    if (const auto at = letters.find(letter); at != std::string_view::npos) {
      content += meanings[at];
    } else if (letter == 'u') {
      auto point = hex4();
      if (point >= 0xD800 && point < 0xDC00 && accept_word("\\u")) {
        const auto low = hex4();
        if (low < 0xDC00 || low > 0xDFFF) fail("the second half of a surrogate pair");
        point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
      }
      put_utf8(content, point);  // half a pair does not pass the check for UTF-8
    } else {
      fail("a known escape");
    }
  }

  std::uint32_t hex4() {
    std::uint32_t point = 0;
    const auto* begin = text_.data();
    if (text_.size() < 4 || std::from_chars(begin, begin + 4, point, 16).ptr != begin + 4) {
      fail("four hex digits");
    }
    text_.remove_prefix(4);
    return point;
  }

  std::string_view text_;
};

void put_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += escaped;
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

std::vector<Value> parse_parameters(std::string_view text) {
  if (text.find_first_not_of(blanks) == std::string_view::npos) return {};
  JsonReader reader(text);
  auto values = reader.array();
  reader.end();
  return values;
}

Request parse_request(std::string_view text) {
  JsonReader reader(text);
  auto request = reader.request();
  reader.end();
  return request;
}

std::string to_json(const sql::Result& result) {
  std::string out = "{\"rows\":[";
  for (std::size_t at = 0; at < result.rows.size(); ++at) {
    out += at == 0 ? "{" : ",{";
    bool first = true;
    for (std::size_t column = 0; column < result.columns.size(); ++column) {
      const auto& value = result.rows[at][column];
      if (value.index() == 0) continue;
      if (!first) out += ',';
      first = false;
      put_string(out, result.columns[column]);
      out += ':';
      put_string(out, to_plain(value));
    }
    out += '}';
  }
  return out + "],\"affected\":" + std::to_string(result.affected) + "}";
}

std::string error_json(const std::string& message) {
  std::string out = "{\"error\":";
  put_string(out, sql::valid_utf8(message) ? message : "the statement is not valid UTF-8");
  return out + "}";
}

std::string to_plain(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return std::to_string(*whole);
  if (const auto* real = std::get_if<double>(&value)) {
    char digits[32];
    return {digits, std::to_chars(digits, digits + sizeof digits, *real).ptr};
  }
  return {};
}

}  // namespace lidb
