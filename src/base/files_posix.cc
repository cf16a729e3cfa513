#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/files.h"

namespace dovetail {
namespace {

namespace fs = std::filesystem;

std::string reason(int code) { return std::generic_category().message(code); }

[[noreturn]] void fail_reading(const fs::path& path, int code) {
  throw_error(ErrorKind::kIo, "cannot read {}: {}", path.string(), reason(code));
}

[[noreturn]] void fail_writing(const fs::path& path, int code) {
  throw_error(ErrorKind::kIo, "cannot write {}: {}", path.string(), reason(code));
}

class Descriptor {
 public:
  explicit Descriptor(int value = -1) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  int get() const { return value_; }
  int release() { return std::exchange(value_, -1); }
  bool close() { return ::close(std::exchange(value_, -1)) == 0; }

 private:
  int value_;
};

// A new file beside `target`, removed again unless it was renamed to it.
class TemporaryFile {
 public:
  TemporaryFile(const fs::path& target, const fs::path& named) : named_(named) {
    for (int k = 0; k < 10000; ++k) {
      path_ = target.parent_path() /
              fmt::format(".{}.{}.{}.tmp", target.filename().string(), getpid(), k);
      file_ = Descriptor(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
      if (file_.get() >= 0) return;
      if (errno != EEXIST) break;
    }
    const int code = errno;
    path_.clear();
    fail_writing(named_, code);
  }
  ~TemporaryFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  int descriptor() const { return file_.get(); }
  void rename_to(const fs::path& target) {
    if (!file_.close() || ::rename(path_.c_str(), target.c_str()) != 0) {
      fail_writing(named_, errno);
    }
    path_.clear();
  }

 private:
  const fs::path& named_;
  fs::path path_;
  Descriptor file_;
};

void write_all(int descriptor, std::span<const std::byte> bytes, const fs::path& path) {
  constexpr size_t kMost = size_t{1} << 30;  // Linux writes less than 2 GiB at once
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), std::min(bytes.size(), kMost));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_writing(path, errno);
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
}

// Where the last link of a chain points; the file there need not exist.
fs::path follow_links(const fs::path& path) {
  std::error_code error;
  fs::path target = path;
  for (int k = 0; k < 40 && fs::is_symlink(target, error); ++k) {
    const fs::path next = fs::read_symlink(target, error);
    target = next.is_absolute() ? next : target.parent_path() / next;
  }
  return target;
}

}  // namespace

InputFile::InputFile(const fs::path& path) : path_(path) {
  // Without O_NONBLOCK, opening a pipe would wait for a writer.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status;
  if (file.get() < 0 || fstat(file.get(), &status) != 0) fail_reading(path, errno);
  if (S_ISDIR(status.st_mode)) fail_reading(path, EISDIR);
  if (!S_ISREG(status.st_mode)) {
    throw_error(ErrorKind::kIo, "cannot read {}: it is no regular file", path.string());
  }
  size_ = static_cast<uint64_t>(status.st_size);
  descriptor_ = file.release();
}

InputFile::~InputFile() { ::close(descriptor_); }

size_t InputFile::read(uint64_t offset, std::span<std::byte> into) const {
  size_t done = 0;
  while (done < into.size()) {
    const ssize_t count = ::pread(descriptor_, into.data() + done, into.size() - done,
                                  static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_reading(path_, errno);
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  return done;
}

MappedFile::MappedFile(const fs::path& path) {
  const InputFile file(path);
  if (file.size() == 0) return;
  void* memory = ::mmap(nullptr, file.size(), PROT_READ, MAP_PRIVATE, file.descriptor_, 0);
  if (memory == MAP_FAILED) fail_reading(path, errno);
  bytes_ = {static_cast<const std::byte*>(memory), file.size()};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

void write_file_atomically(const fs::path& path,
                           const std::function<void(const ByteSink&)>& content) {
  const auto sink_to = [&](int descriptor) {
    return [&path, descriptor](std::span<const std::byte> bytes) {
      write_all(descriptor, bytes, path);
    };
  };
  const fs::path target = follow_links(path);
  struct stat status;
  const bool exists = ::stat(target.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) fail_writing(path, EISDIR);
  if (exists && !S_ISREG(status.st_mode)) {
    Descriptor device(::open(target.c_str(), O_WRONLY | O_CLOEXEC));
    if (device.get() < 0) fail_writing(path, errno);
    content(sink_to(device.get()));
    if (!device.close()) fail_writing(path, errno);
    return;
  }
  TemporaryFile file(target, path);
  content(sink_to(file.descriptor()));
  if (exists) ::fchmod(file.descriptor(), status.st_mode & 07777);
  file.rename_to(target);
}

void write_file_atomically(const fs::path& path, std::span<const std::byte> content) {
  write_file_atomically(path, [&](const ByteSink& sink) { sink(content); });
}

}  // namespace dovetail
