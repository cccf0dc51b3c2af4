#include "engine/codec.hpp"

#include <array>
#include <bit>

namespace lidb {
namespace {

enum Tag : std::uint8_t { create_table = 1, put_row = 2, erase_row = 3 };

constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0xEDB88320u : 0u);
    table[byte] = crc;
  }
  return table;
}

void put_u8(std::string& out, std::uint8_t number) { out.push_back(static_cast<char>(number)); }

void put_text(std::string& out, const std::string& text) {
  put_u32(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

void put_value(std::string& out, const Value& value) {
  put_u8(out, static_cast<std::uint8_t>(value.index()));
  if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    put_u64(out, static_cast<std::uint64_t>(*whole));
  } else if (const auto* real = std::get_if<double>(&value)) {
    put_u64(out, std::bit_cast<std::uint64_t>(*real));
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    put_text(out, *text);
  }
}

Value take_value(Reader& reader) {
  switch (reader.u8()) {
    case 0: return Value{};
    case 1: return static_cast<std::int64_t>(reader.u64());
    case 2: return std::bit_cast<double>(reader.u64());
    case 3: return reader.text();
    default: throw Error("damaged data: unknown type of value");
  }
}

CreateTable take_table(Reader& reader) {
  CreateTable made{.table = reader.text(), .columns = {}, .key = reader.u32()};
  for (auto left = reader.u32(); left > 0; --left) {
    Column column{.name = reader.text()};
    column.type = static_cast<Type>(reader.u8());
    column.required = reader.u8() != 0;
    made.columns.push_back(std::move(column));
  }
  return made;
}

PutRow take_row(Reader& reader) {
  PutRow put{.table = reader.text(), .row = {}};
  for (auto left = reader.u32(); left > 0; --left) put.row.push_back(take_value(reader));
  return put;
}

}  // namespace

std::uint32_t crc32(std::string_view bytes) {
  static constexpr auto table = crc_table();
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const char byte : bytes) crc = (crc >> 8) ^ table[(crc ^ static_cast<std::uint8_t>(byte)) & 0xFF];
  return ~crc;
}

void put_u32(std::string& out, std::uint32_t number) {
  for (int shift = 0; shift < 32; shift += 8) put_u8(out, static_cast<std::uint8_t>(number >> shift));
}

void put_u64(std::string& out, std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) put_u8(out, static_cast<std::uint8_t>(number >> shift));
}

std::string_view Reader::take(std::size_t count) {
  if (count > bytes_.size()) throw Error("damaged data: it ends too early");
  const auto taken = bytes_.substr(0, count);
  bytes_.remove_prefix(count);
  return taken;
}

std::uint8_t Reader::u8() { return static_cast<std::uint8_t>(take(1)[0]); }

std::uint32_t Reader::u32() {
  std::uint32_t number = 0;
  for (int shift = 0; shift < 32; shift += 8) number |= std::uint32_t{u8()} << shift;
  return number;
}

std::uint64_t Reader::u64() {
  const std::uint64_t low = u32();
  return low | (std::uint64_t{u32()} << 32);
}

std::string Reader::text() { return std::string(take(u32())); }

void encode(std::string& out, const Change& change) {
  if (const auto* made = std::get_if<CreateTable>(&change)) {
    put_u8(out, create_table);
    put_text(out, made->table);
    put_u32(out, static_cast<std::uint32_t>(made->key));
    put_u32(out, static_cast<std::uint32_t>(made->columns.size()));
    for (const auto& column : made->columns) {
      put_text(out, column.name);
      put_u8(out, static_cast<std::uint8_t>(column.type));
      put_u8(out, column.required ? 1 : 0);
    }
  } else if (const auto* put = std::get_if<PutRow>(&change)) {
    put_u8(out, put_row);
    put_text(out, put->table);
    put_u32(out, static_cast<std::uint32_t>(put->row.size()));
    for (const auto& value : put->row) put_value(out, value);
  } else {
    const auto& erased = std::get<EraseRow>(change);
    put_u8(out, erase_row);
    put_text(out, erased.table);
    put_value(out, erased.key);
  }
}

std::vector<Change> decode_changes(Reader reader) {
  std::vector<Change> changes;
  while (!reader.at_end()) {
    switch (reader.u8()) {
      case create_table: changes.emplace_back(take_table(reader)); break;
      case put_row: changes.emplace_back(take_row(reader)); break;
      case erase_row: {
        EraseRow erased{.table = reader.text(), .key = {}};
        erased.key = take_value(reader);
        changes.emplace_back(std::move(erased));
        break;
      }
      default: throw Error("damaged data: unknown kind of change");
    }
  }
  return changes;
}

}  // namespace lidb
