#include "export/lld.h"

#include <lld/Common/Driver.h>
#include <llvm/Support/raw_ostream.h>
#include <signal.h>

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
  // In a thread of its own, whose end frees what lld allocates per thread. LLVM gives the thread
  // that first needs its signal handlers a stack for them: the thread's own is put back, which ASan
  // frees at its end.
  const auto link = [&] {
    stack_t signal_stack{};
    sigaltstack(nullptr, &signal_stack);
    const int code = lld::lldMain(argv, stream, stream, {{lld::Gnu, &lld::elf::link}}).retCode;
    sigaltstack(&signal_stack, nullptr);
    return code;
  };
  const int code = std::async(std::launch::async, link).get();
  stream.flush();
  if (code == 0) return;
  while (!messages.empty() && messages.back() == '\n') messages.pop_back();
  throw_error(ErrorKind::kIo, "the linker failed: {}", messages);
}

}  // namespace dovetail::exporter
