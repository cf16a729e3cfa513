// What the system's loader opens.
#pragma once

#include <filesystem>

namespace dovetail::runtime {

// A shared library that the system's loader has opened; closed with the object. The platform's file
// implements it.
class SharedLibrary {
 public:
  // kIo with the system's words; before, the file's form is checked (kValue, kUnsupported).
  explicit SharedLibrary(const std::filesystem::path& path);
  ~SharedLibrary();
  SharedLibrary(const SharedLibrary&) = delete;
  SharedLibrary& operator=(const SharedLibrary&) = delete;
  void* symbol(const char* name) const;  // null when there is none

 private:
  void* handle_ = nullptr;
};

}  // namespace dovetail::runtime
