// Reading and writing whole files. Every failure is kIo with the system's words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace dovetail {

// A regular file, open for reading.
class InputFile {
 public:
  explicit InputFile(const std::filesystem::path& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  uint64_t size() const { return size_; }
  // The bytes from `offset` on; how many there were before the file's end.
  size_t read(uint64_t offset, std::span<std::byte> into) const;

 private:
  friend class MappedFile;
  std::filesystem::path path_;
  int descriptor_ = -1;
  uint64_t size_ = 0;
};

// A file's bytes, mapped read-only; they are read from disk when they are looked at.
class MappedFile {
 public:
  // Regular files only.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

// A new content for a file, written piece by piece. It appears under the file's name when it is
// committed; until then, and if it never is, what was at `path` is as before and nothing is left
// beside it. Files that belong together are all written before the first is committed. A link is
// followed; a device or pipe is written in place.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  void write(std::span<const std::byte> bytes);
  // Nothing more is written: a file that waits for others holds no descriptor.
  void close();
  void commit();

 private:
  std::filesystem::path path_, target_;
  std::filesystem::path temporary_;  // empty: written in place, or committed
  int descriptor_ = -1;
};

void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> content);

// Where the last link of a chain points; the file there need not exist.
std::filesystem::path follow_links(const std::filesystem::path& path);

// Do both name one file, be it there or not?
bool is_same_file(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace dovetail
