#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/error.h"
#include "fcompile.h"

namespace dovetail::tool {

int run_shell(const std::string& command, std::string* text) {
  // In braces, so that the errors of every part of the command arrive too.
  std::FILE* pipe = popen(("{ " + command + "\n} 2>&1").c_str(), "r");
  if (!pipe) throw_error(ErrorKind::kIo, "cannot start a shell: {}", std::strerror(errno));
  std::array<char, 4096> part;
  for (size_t size; (size = std::fread(part.data(), 1, part.size(), pipe)) > 0;) {
    text->append(part.data(), size);
  }
  const int status = pclose(pipe);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace dovetail::tool
