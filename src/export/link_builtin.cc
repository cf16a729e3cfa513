// The built-in link: lld in this process.
#include <dovetail/compiler.h>

#include <fmt/core.h>

#include <span>

#include "base/files.h"
#include "export/lld.h"
#include "export/weights_object.h"

namespace dovetail {
namespace {

namespace fs = std::filesystem;

// Weights go last in memory, in a segment of their own, so that distances within code stay small.
std::string write_script(const LinkJob& job) {
  const fs::path path = job.output.parent_path() / "weights.ld";
  const std::string text = fmt::format("SECTIONS {{ {0} : {{ *({0}) }} }} INSERT AFTER .bss;\n",
                                       exporter::kWeightsSection);
  write_file_atomically(path, std::as_bytes(std::span(text)));
  return path.string();
}

std::vector<std::string> shared_arguments(const LinkJob& job) {
  return {"-shared",         "--hash-style=gnu",
          "--build-id=none", "-soname=" + job.output.filename().string(),
          "-znoexecstack",   "-zrelro",
          "-znow",           write_script(job)};
}

std::vector<std::string> relocatable_arguments(const LinkJob& job) {
  std::vector<std::string> arguments{"-r"};
  for (const std::string& name : job.exported) arguments.push_back("--undefined=" + name);
  return arguments;
}

}  // namespace

void link_builtin(const LinkJob& job) {
  std::vector<std::string> arguments =
      job.output.extension() == ".so" ? shared_arguments(job) : relocatable_arguments(job);
  arguments.insert(arguments.end(), {"--threads=1", "--gc-sections", "-o", job.output.string()});
  for (const fs::path& object : job.objects) arguments.push_back(object.string());
  exporter::run_lld_elf(arguments);
}

}  // namespace dovetail
