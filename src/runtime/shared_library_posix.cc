#include <dlfcn.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <tuple>

#include "base/error.h"
#include "base/files.h"
#include "runtime/library_file.h"
#include "runtime/shared_library.h"

namespace dovetail::runtime {
namespace {

namespace fs = std::filesystem;

using Identity = std::tuple<dev_t, ino_t, int64_t, int64_t, off_t>;

// The loader knows an open library by the spelling of its path: asked for it again, it would give
// the old one even if the file has been replaced. Each file that was ever at a path gets a spelling
// of its own, with its number in binary: /a/b.so, /a/./b.so, /a//././b.so, /a/././b.so, ...
std::string spelling(const fs::path& path) {
  struct stat status;
  const fs::path absolute = fs::absolute(path);
  if (stat(absolute.c_str(), &status) != 0) return absolute.string();
  const Identity identity{status.st_dev, status.st_ino, status.st_mtim.tv_sec,
                          status.st_mtim.tv_nsec, status.st_size};
  static std::mutex mutex;
  static std::map<std::string, std::vector<Identity>> seen;
  const std::lock_guard lock(mutex);
  std::vector<Identity>& files = seen[absolute.string()];
  const auto found = std::ranges::find(files, identity);
  const auto index = found - files.begin();
  if (found == files.end()) files.push_back(identity);
  if (index == 0) return absolute.string();
  std::string text = absolute.parent_path().string();
  for (auto k = index; k > 0; k /= 2) text += k % 2 == 1 ? "/." : "//.";
  return text + "/" + absolute.filename().string();
}

}  // namespace

SharedLibrary::SharedLibrary(const fs::path& path) {
  const std::string where = path.string();
  {
    const InputFile file(path);
    check_library_file([&](uint64_t offset, auto into) { return file.read(offset, into); },
                       file.size(), where);
  }
  handle_ = dlopen(spelling(path).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle_) return;
  const char* reason = dlerror();
  throw_error(ErrorKind::kIo, "cannot load {}: {}", where, reason ? reason : "no reason given");
}

SharedLibrary::~SharedLibrary() { dlclose(handle_); }

void* SharedLibrary::symbol(const char* name) const { return dlsym(handle_, name); }

}  // namespace dovetail::runtime
