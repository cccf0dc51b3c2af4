// A data directory: a heap (the last checkpoint), a write-ahead log (what came since) and a lock.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/files.hpp"
#include "engine/value.hpp"
#include "engine/wal.hpp"

namespace lidb {

class Database {
 public:
  explicit Database(const std::string& directory);

  // One operation on the directory: holds its lock, and begins with what other processes left there.
  class Operation {
   public:
    explicit Operation(Database& database);
    ~Operation();
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;

   private:
    Database& database_;
  };

  const Tables& tables() const { return tables_; }
  const Table& table(const std::string& name) const;  // throws when there is none
  std::uint64_t lsn() const { return wal_->lsn(); }
  const std::string& heap_path() const { return heap_path_; }

  // All changes or none: first into the log, then into memory.
  void commit(const std::vector<Change>& changes);
  void checkpoint();

 private:
  void load();
  void apply(const Change& change);

  std::string directory_, heap_path_, wal_path_;
  std::unique_ptr<File> lock_;
  std::unique_ptr<Wal> wal_;
  Tables tables_;
  Stamp heap_stamp_, wal_stamp_;
};

}  // namespace lidb
