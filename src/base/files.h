// Reading and writing whole files. Every failure is kIo with the system's words.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>

namespace dovetail {

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
