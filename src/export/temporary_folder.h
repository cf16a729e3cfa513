// A folder beside the output in which a file is made before it is renamed into place.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

namespace dovetail::exporter {

// Removed with everything in it when this object dies.
class TemporaryFolder {
 public:
  // kIo with the OS's text when it cannot be made.
  explicit TemporaryFolder(const std::filesystem::path& output);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::filesystem::path file(const std::string& name) const { return folder_ / name; }
  // Moves a finished file of this folder to the output.
  void rename_to_output(const std::filesystem::path& made) const;

 private:
  std::filesystem::path output_, folder_;
};

}  // namespace dovetail::exporter
