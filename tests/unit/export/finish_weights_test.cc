// A library whose weights were written behind the link equals, byte for byte, one whose weights the
// linker copied.
#include "export/finish_weights.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "codegen/codegen.h"
#include "export/lld.h"
#include "export/weights_object.h"

namespace dovetail::exporter {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::byte>;

class FinishWeights : public testing::TestWithParam<std::tuple<std::string, int64_t>> {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              ("finish_" + std::to_string(std::hash<std::string>()(name())));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  static std::string name() {
    return testing::UnitTest::GetInstance()->current_test_info()->name();
  }

  std::string write(const std::string& file, const std::vector<Bytes>& pieces) const {
    std::ofstream out(folder_ / file, std::ios::binary);
    for (const Bytes& piece : pieces)
      out.write(reinterpret_cast<const char*>(piece.data()), static_cast<int64_t>(piece.size()));
    return (folder_ / file).string();
  }

  Bytes read(const std::string& file) const {
    std::ifstream in(folder_ / file, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    const auto* begin = reinterpret_cast<const std::byte*>(text.data());
    return Bytes(begin, begin + text.size());
  }

  // A library with one exported pointer to the weights.
  std::string model_object(const ir::TargetInfo& target) const {
    loop::Module module;
    module.data.push_back({.name = "weights", .external = true, .initial = {loop::DataPointer{}}});
    module.data.push_back(
        {.name = "descriptor", .exported = true, .initial = {loop::DataPointer{"weights", 0}}});
    return write("model.o", codegen::emit_objects(module, target));
  }

  Bytes link(const std::string& model, const std::string& weights) const {
    const std::string script = (folder_ / "weights.ld").string();
    std::ofstream(script)
        << "SECTIONS { .dovetail.weights : { *(.dovetail.weights) } } INSERT AFTER .bss;\n";
    run_lld_elf({"-shared", "--threads=1", "--hash-style=gnu", "--build-id=none", "-soname=m.so",
                 "-znoexecstack", "-zrelro", "-znow", "-o", (folder_ / "m.so").string(), model,
                 weights, script});
    return read("m.so");
  }

  fs::path folder_;
};

TEST_P(FinishWeights, EqualsThePlainLink) {
  const ir::TargetInfo& target = ir::target_named(std::get<0>(GetParam()));
  Bytes content(static_cast<size_t>(std::get<1>(GetParam())));
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<std::byte>(i * 37 + i / 256);
  const auto size = static_cast<int64_t>(content.size());
  const std::string model = model_object(target);

  const WeightsObject whole = weights_object(target, "weights", size, false);
  const Bytes plain = link(model, write("weights.o", {whole.head, content, whole.tail}));
  const WeightsObject promise = weights_object(target, "weights", size, true);
  const FinishedFile finished =
      finish_weights(link(model, write("weights.o", {promise.head, promise.tail})));

  Bytes joined = finished.head;
  joined.insert(joined.end(), content.begin(), content.end());
  joined.insert(joined.end(), finished.tail.begin(), finished.tail.end());
  ASSERT_EQ(joined.size(), plain.size());
  EXPECT_TRUE(joined == plain);
}

INSTANTIATE_TEST_SUITE_P(Sizes, FinishWeights,
                         testing::Combine(testing::Values("x86_64-linux-gnu", "aarch64-linux-gnu"),
                                          testing::Values(64, 4096, 65536 + 64, 1000000)));

}  // namespace
}  // namespace dovetail::exporter
