// Links one after the other in one process keep no memory of each other, but for the 64 bytes that
// LLVM's list of temporary files takes.
#include "export/lld.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <filesystem>
#include <fstream>

#include "codegen/codegen.h"

namespace dovetail::exporter {
namespace {

namespace fs = std::filesystem;

TEST(Lld, KeepsLittleMemory) {
  const fs::path folder = fs::path(testing::TempDir()) / "lld_keeps_little_memory";
  fs::create_directories(folder);
  loop::Module module;
  module.data.push_back({.name = "one", .exported = true, .initial = {loop::DataInt{8, 1}}});
  const codegen::Object object = codegen::emit_objects(module, ir::host_target()).at(0);
  std::ofstream(folder / "one.o", std::ios::binary)
      .write(reinterpret_cast<const char*>(object.data()), static_cast<int64_t>(object.size()));
  const auto link = [&] {
    run_lld_elf({"-r", "--threads=1", "-o", folder / "linked.o", folder / "one.o"});
  };
  for (int k = 0; k < 3; ++k) link();
  const size_t before = mallinfo2().uordblks;
  for (int k = 0; k < 200; ++k) link();
  EXPECT_LT(mallinfo2().uordblks, before + 32768) << "bytes in use after 200 more links";
  fs::remove_all(folder);
}

}  // namespace
}  // namespace dovetail::exporter
