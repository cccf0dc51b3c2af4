// Changes as bytes, for the write-ahead log and the heap alike, and the checksum that guards both.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/value.hpp"

namespace lidb {

std::uint32_t crc32(std::string_view bytes);

// Little-endian, of a fixed width.
void put_u32(std::string& out, std::uint32_t number);
void put_u64(std::string& out, std::uint64_t number);

// Reads what the functions above wrote; throws Error when the bytes end too early.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool at_end() const { return bytes_.empty(); }
  std::uint8_t u8();
  std::uint32_t u32();
  std::uint64_t u64();
  std::string text();

 private:
  std::string_view take(std::size_t count);
  std::string_view bytes_;
};

void encode(std::string& out, const Change& change);
std::vector<Change> decode_changes(Reader reader);

}  // namespace lidb
