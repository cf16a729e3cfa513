#include "export/temporary_folder.h"

#include <system_error>

#include "base/error.h"
#include "base/files.h"

namespace dovetail::exporter {

namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder(const fs::path& output) : output_(follow_links(output)) {
  const fs::path parent = output_.parent_path().empty() ? fs::path(".") : output_.parent_path();
  std::error_code error;
  for (int k = 0; k < 10000; ++k) {
    folder_ = parent / fmt::format(".{}.{}.tmp", output_.filename().string(), k);
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
  const fs::file_status old = fs::status(output_, error);
  if (fs::is_regular_file(old)) fs::permissions(made, old.permissions(), error);
  fs::rename(made, output_, error);
  if (error) throw_error(ErrorKind::kIo, "cannot write {}: {}", output_.string(), error.message());
}

}  // namespace dovetail::exporter
