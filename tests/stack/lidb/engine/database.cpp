#include "engine/database.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cstdlib>

#include "engine/codec.hpp"

namespace lidb {
namespace {

constexpr std::string_view magic = "LIDBHEAP";
constexpr std::uint64_t wal_limit = 1 << 20;  // a longer log becomes a checkpoint
constexpr int default_wait_ms = 5000;

int lock_wait_ms() {
  const char* given = std::getenv("LIDB_LOCK_WAIT_MS");
  return given ? std::atoi(given) : default_wait_ms;
}

}  // namespace

Database::Database(const std::string& directory)
    : directory_(directory),
      heap_path_(directory + "/.lidb/catalog.heap"),
      wal_path_(directory + "/.lidb/wal/00000001.seg") {
  if (directory.empty()) throw Error("the data directory has no name");
  make_directories(directory + "/.lidb/wal");
  lock_ = std::make_unique<File>(directory + "/.lidb/lock", O_RDWR | O_CREAT);
}

Database::Operation::Operation(Database& database) : database_(database) {
  if (!lock_within(*database.lock_, lock_wait_ms())) {
    throw Error("another process is using " + database.directory_ + ": a data directory has one writer");
  }
  try {
    const bool current = database.wal_ && stamp_of(database.heap_path_) == database.heap_stamp_ &&
                         stamp_of(database.wal_path_) == database.wal_stamp_;
    if (!current) database.load();
  } catch (...) {
    database.wal_.reset();
    unlock(*database.lock_);
    throw;
  }
}

Database::Operation::~Operation() {
  database_.heap_stamp_ = stamp_of(database_.heap_path_);
  database_.wal_stamp_ = stamp_of(database_.wal_path_);
  unlock(*database_.lock_);
}

void Database::load() {
  tables_.clear();
  std::uint64_t checkpoint_lsn = 0;
  const bool fresh = stamp_of(heap_path_).inode == 0;
  if (!fresh) {
    const auto bytes = File(heap_path_, O_RDONLY).read_all();
    if (!bytes.starts_with(magic)) throw Error(heap_path_ + " is not a heap");
    const auto sum_at = magic.size();
    const auto guarded = std::string_view(bytes).substr(std::min(bytes.size(), sum_at + 4));
    if (Reader(std::string_view(bytes).substr(sum_at)).u32() != crc32(guarded)) {
      throw Error(heap_path_ + " is damaged: its checksum does not hold");
    }
    Reader reader(guarded);
    checkpoint_lsn = reader.u64();
    for (const auto& change : decode_changes(reader)) apply(change);
  }
  wal_ = std::make_unique<Wal>(wal_path_, fresh);
  if (fresh) sync_directory(directory_ + "/.lidb/wal");
  wal_->replay(checkpoint_lsn, [this](std::string_view payload) {
    for (const auto& change : decode_changes(Reader(payload))) apply(change);
  });
  if (fresh) checkpoint();
}

const Table& Database::table(const std::string& name) const {
  const auto found = tables_.find(name);
  if (found == tables_.end()) throw Error("no such table: " + name);
  return found->second;
}

void Database::apply(const Change& change) {
  if (const auto* made = std::get_if<CreateTable>(&change)) {
    tables_[made->table] = Table{made->columns, made->key, {}};
  } else if (const auto* put = std::get_if<PutRow>(&change)) {
    auto& table = tables_.at(put->table);
    table.rows[put->row.at(table.key)] = put->row;
  } else {
    const auto& erased = std::get<EraseRow>(change);
    tables_.at(erased.table).rows.erase(erased.key);
  }
}

void Database::commit(const std::vector<Change>& changes) {
  if (changes.empty()) return;
  std::string payload;
  for (const auto& change : changes) encode(payload, change);
  wal_->append(payload);
  for (const auto& change : changes) apply(change);
  if (wal_->size() > wal_limit) checkpoint();
}

void Database::checkpoint() {
  std::string guarded;
  put_u64(guarded, wal_->lsn());
  for (const auto& [name, table] : tables_) {
    encode(guarded, CreateTable{name, table.columns, table.key});
    for (const auto& [key, row] : table.rows) encode(guarded, PutRow{name, row});
  }
  std::string bytes(magic);
  put_u32(bytes, crc32(guarded));
  replace_file(heap_path_, bytes + guarded);
  wal_->clear();
}

}  // namespace lidb
