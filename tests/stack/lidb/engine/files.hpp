// Files as a database needs them: whole reads, durable writes, atomic replacement, an exclusive lock.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace lidb {

// A file descriptor with an owner. Every failure throws Error with the path and the reason.
class File {
 public:
  File(std::string path, int flags);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  std::string read_all() const;
  void write_at(off_t offset, std::string_view bytes) const;
  void truncate(off_t size) const;
  void sync() const;  // returns once the disk has it
  int descriptor() const { return descriptor_; }

 private:
  std::string path_;
  int descriptor_;
};

// Tells one state of a file from the next without reading it.
struct Stamp {
  std::uint64_t inode = 0, size = 0, changed = 0;
  bool operator==(const Stamp&) const = default;
};

Stamp stamp_of(const std::string& path);  // all zero when there is no file
void make_directories(const std::string& path);
void sync_directory(const std::string& path);
void replace_file(const std::string& path, std::string_view bytes);  // all of it or nothing

// Waits for an exclusive lock on `file`; false when `wait_ms` passed and somebody else still has it.
bool lock_within(const File& file, int wait_ms);
void unlock(const File& file);

}  // namespace lidb
