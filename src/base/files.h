// Reading and writing whole files. Every failure is kIo with the system's words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
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

using ByteSink = std::function<void(std::span<const std::byte>)>;

// Replaces `path` by what `content` passes to its sink, piece by piece. The file appears under its
// name when it is complete; when anything fails, by an exception of `content` too, what was at
// `path` is as before and nothing is left beside it. A link is followed; a device or pipe is
// written in place.
void write_file_atomically(const std::filesystem::path& path,
                           const std::function<void(const ByteSink&)>& content);
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> content);

}  // namespace dovetail
