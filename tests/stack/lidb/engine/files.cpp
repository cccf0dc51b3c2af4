#include "engine/files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>

#include "engine/value.hpp"

namespace lidb {
namespace {

[[noreturn]] void fail(const std::string& what, const std::string& path) {
  throw Error("cannot " + what + " " + path + ": " + std::strerror(errno));
}

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

File::File(std::string path, int flags)
    : path_(std::move(path)), descriptor_(::open(path_.c_str(), flags | O_CLOEXEC, 0644)) {
  if (descriptor_ < 0) fail("open", path_);
}

File::~File() { ::close(descriptor_); }

std::string File::read_all() const {
  std::string bytes;
  char block[65536];
  for (;;) {
    const auto got = ::pread(descriptor_, block, sizeof block, static_cast<off_t>(bytes.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("read", path_);
    if (got == 0) return bytes;
    bytes.append(block, static_cast<std::size_t>(got));
  }
}

void File::write_at(off_t offset, std::string_view bytes) const {
  while (!bytes.empty()) {
    const auto done = ::pwrite(descriptor_, bytes.data(), bytes.size(), offset);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail("write", path_);
    bytes.remove_prefix(static_cast<std::size_t>(done));
    offset += done;
  }
}

void File::truncate(off_t size) const {
  if (::ftruncate(descriptor_, size) != 0) fail("truncate", path_);
}

void File::sync() const {
#ifdef F_FULLFSYNC  // macOS: fsync() alone leaves the bytes in the drive's cache
  if (::fcntl(descriptor_, F_FULLFSYNC) == 0) return;
#endif
  if (::fsync(descriptor_) != 0) fail("sync", path_);
}

Stamp stamp_of(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) return {};
#ifdef __APPLE__
  const auto& time = facts.st_mtimespec;
#else
  const auto& time = facts.st_mtim;
#endif
  return {static_cast<std::uint64_t>(facts.st_ino), static_cast<std::uint64_t>(facts.st_size),
          static_cast<std::uint64_t>(time.tv_sec) * 1000000000u + static_cast<std::uint64_t>(time.tv_nsec)};
}

void make_directories(const std::string& path) {
  for (auto slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const auto part = path.substr(0, slash);
    if (::mkdir(part.c_str(), 0755) == 0) {
      sync_directory(parent_of(part));
    } else if (errno != EEXIST) {
      fail("make directory", part);
    }
    if (slash == std::string::npos) return;
  }
}

void sync_directory(const std::string& path) { File(path, O_RDONLY | O_DIRECTORY).sync(); }

void replace_file(const std::string& path, std::string_view bytes) {
  const auto fresh = path + ".new";
  {
    const File file(fresh, O_WRONLY | O_CREAT | O_TRUNC);
    file.write_at(0, bytes);
    file.sync();
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) fail("replace", path);
  sync_directory(parent_of(path));
}

bool lock_within(const File& file, int wait_ms) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::milliseconds(wait_ms);
  while (::flock(file.descriptor(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) fail("lock", "the data directory");
    if (Clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

void unlock(const File& file) { ::flock(file.descriptor(), LOCK_UN); }

}  // namespace lidb
