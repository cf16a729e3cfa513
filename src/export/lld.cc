#include "export/lld.h"

#include <lld/Common/Driver.h>
#include <llvm/Support/raw_ostream.h>

#include <future>
#include <mutex>

#include "base/error.h"

LLD_HAS_DRIVER(elf)

namespace dovetail::exporter {

void run_lld_elf(const std::vector<std::string>& arguments) {
  static std::mutex mutex;
  const std::scoped_lock lock(mutex);
  std::vector<const char*> argv{"ld.lld"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  std::string messages;
  llvm::raw_string_ostream stream(messages);
  // In a thread of its own, whose end frees what lld allocates per thread.
  const auto link = [&] {
    return lld::lldMain(argv, stream, stream, {{lld::Gnu, &lld::elf::link}}).retCode;
  };
  const int code = std::async(std::launch::async, link).get();
  stream.flush();
  if (code == 0) return;
  while (!messages.empty() && messages.back() == '\n') messages.pop_back();
  throw_error(ErrorKind::kIo, "the linker failed: {}", messages);
}

}  // namespace dovetail::exporter
