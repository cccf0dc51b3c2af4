// The write-ahead log: what is appended here survives whatever comes next.
//
// Record: u32 length of the payload, u32 checksum, u64 log sequence number, payload.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "engine/files.hpp"

namespace lidb {

class Wal {
 public:
  // A log that should be there and is not means lost rows: only a new database may create one.
  Wal(const std::string& path, bool create);

  // Calls `apply` with each payload after `checkpoint`, in order. A tail that a crash left unfinished was
  // never acknowledged and is cut off; damage before the tail throws, because cutting there would lose rows.
  void replay(std::uint64_t checkpoint, const std::function<void(std::string_view)>& apply);

  void append(std::string_view payload);  // on disk when it returns, or not there at all
  void clear();                           // after a checkpoint: the heap has it all

  std::uint64_t lsn() const { return lsn_; }
  std::uint64_t size() const { return end_; }

 private:
  std::string path_;
  File file_;
  std::uint64_t lsn_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace lidb
