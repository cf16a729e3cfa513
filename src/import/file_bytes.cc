#include "import/file_bytes.h"

#include <vector>

#include "base/error.h"
#include "base/files.h"

namespace dovetail::import {

FileBytes read_file(const std::filesystem::path& path) {
  const InputFile file(path);
  auto bytes = std::make_shared<std::vector<std::byte>>(file.size());
  if (file.read(0, *bytes) != bytes->size())
    throw_error(ErrorKind::kIo, "cannot read {}: it becomes shorter meanwhile", path.string());
  return {*bytes, bytes};
}

}  // namespace dovetail::import
