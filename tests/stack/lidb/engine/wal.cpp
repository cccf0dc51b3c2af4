#include "engine/wal.hpp"

#include <fcntl.h>

#include "engine/codec.hpp"
#include "engine/value.hpp"

namespace lidb {
namespace {

constexpr std::string_view magic = "LIDBWAL1";
constexpr std::size_t header_size = 16;

// Covers the sequence number and the payload.
std::uint32_t checksum(std::uint64_t lsn, std::string_view payload) {
  std::string covered;
  put_u64(covered, lsn);
  covered += payload;
  return crc32(covered);
}

bool all_zero(std::string_view bytes) { return bytes.find_first_not_of('\0') == std::string_view::npos; }

}  // namespace

Wal::Wal(const std::string& path, bool create)
    : path_(path), file_(path, create ? O_RDWR | O_CREAT : O_RDWR) {}

void Wal::replay(std::uint64_t checkpoint, const std::function<void(std::string_view)>& apply) {
  const auto bytes = file_.read_all();
  lsn_ = checkpoint;
  if (bytes.size() < magic.size()) return clear();  // new, or a crash while it was made
  if (!bytes.starts_with(magic)) throw Error(path_ + " is not a write-ahead log");
  end_ = magic.size();
  while (end_ < bytes.size()) {
    const auto rest = std::string_view(bytes).substr(end_);
    if (rest.size() < header_size) break;
    Reader header(rest);
    const std::size_t length = header.u32();
    const auto expected = header.u32();
    const auto lsn = header.u64();
    if (length > rest.size() - header_size) break;
    const auto payload = rest.substr(header_size, length);
    if (length == 0 || checksum(lsn, payload) != expected) {
      const bool tail = header_size + length == rest.size() || all_zero(rest);
      if (tail) break;
      throw Error(path_ + " is damaged at byte " + std::to_string(end_) + ", before its last record");
    }
    if (lsn > checkpoint) {  // older ones are in the heap already: a crash came before clear()
      if (lsn != lsn_ + 1) throw Error(path_ + " lacks record " + std::to_string(lsn_ + 1));
      apply(payload);
      lsn_ = lsn;
    }
    end_ += header_size + length;
  }
  if (end_ < bytes.size()) {
    file_.truncate(static_cast<off_t>(end_));
    file_.sync();
  }
}

void Wal::append(std::string_view payload) {
  std::string record;
  put_u32(record, static_cast<std::uint32_t>(payload.size()));
  put_u32(record, checksum(lsn_ + 1, payload));
  put_u64(record, lsn_ + 1);
  record += payload;
  try {
    file_.write_at(static_cast<off_t>(end_), record);
    file_.sync();
  } catch (const Error&) {
    file_.truncate(static_cast<off_t>(end_));  // what was refused must not come back at the next replay
    throw;
  }
  ++lsn_;
  end_ += record.size();
}

void Wal::clear() {
  file_.truncate(0);
  file_.write_at(0, magic);
  file_.sync();
  end_ = magic.size();
}

}  // namespace lidb
