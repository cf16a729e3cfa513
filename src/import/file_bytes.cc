#include "import/file_bytes.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include "base/error.h"

namespace dovetail::import {

FileBytes read_file(const std::filesystem::path& path) {
  std::error_code problem;
  if (std::filesystem::is_directory(path, problem)) {
    throw_error(ErrorKind::kIo, "{}: cannot be read: it is a folder", path.string());
  }
  errno = 0;
  std::ifstream stream(path, std::ios::binary | std::ios::ate);
  if (!stream) {
    throw_error(ErrorKind::kIo, "{}: cannot be read: {}", path.string(), std::strerror(errno));
  }
  auto bytes = std::make_shared<std::vector<std::byte>>(static_cast<size_t>(stream.tellg()));
  stream.seekg(0);
  stream.read(reinterpret_cast<char*>(bytes->data()), static_cast<std::streamsize>(bytes->size()));
  if (!stream) {
    throw_error(ErrorKind::kIo, "{}: cannot be read: {}", path.string(), std::strerror(errno));
  }
  return {*bytes, bytes};
}

}  // namespace dovetail::import
