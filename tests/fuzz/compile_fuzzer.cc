// Bytes -> object file: the whole compile path, with `prepare` run in this process.
#include <dovetail/compiler.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "input_file.h"
#include "refusal.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::filesystem::path output =
      "/dev/shm/dovetail_compile_fuzzer_" + std::to_string(getpid()) + ".o";
  const dovetail::fuzz::InputFile file(data, size);
  dovetail::fuzz::expect_refusal_or_success([&] {
    dovetail::BuildOptions options;
    options.name = "model";
    options.target.cpus = {"x86-64-v3"};
    dovetail::export_library({dovetail::build(file.path(), options)}, output);
    std::filesystem::remove(output);
  });
  return 0;
}
