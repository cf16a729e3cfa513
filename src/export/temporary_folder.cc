#include "export/temporary_folder.h"

#include <system_error>

#include "base/error.h"

namespace dovetail::exporter {

namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder(const fs::path& output) : output_(output) {
  const fs::path parent = output.parent_path().empty() ? fs::path(".") : output.parent_path();
  std::error_code error;
  for (int k = 0; k < 10000; ++k) {
    folder_ = parent / fmt::format(".{}.{}.tmp", output.filename().string(), k);
    if (fs::create_directory(folder_, error)) return;
    if (error) break;
  }
  folder_.clear();
  throw_error(ErrorKind::kIo, "cannot write {}: {}", output.string(),
              error ? error.message() : "too many temporary folders beside it, remove them");
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

void TemporaryFolder::rename_to_output(const fs::path& made) const {
  std::error_code error;
  fs::rename(made, output_, error);
  if (error) throw_error(ErrorKind::kIo, "cannot write {}: {}", output_.string(), error.message());
}

}  // namespace dovetail::exporter
