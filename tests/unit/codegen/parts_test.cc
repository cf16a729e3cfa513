// A module in several objects: each function once, calls and data across them, equal bytes.
#include "codegen/parts.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <set>

#include "codegen/codegen.h"

namespace dovetail::codegen {
namespace {

using loop::Builder;
using loop::Value;

// int64 f(int64 x): x times x as often as told, and `plus` on top.
loop::Function powers(const std::string& name, int products, int64_t plus) {
  Builder b(name, loop::Convention::kPlain);
  const Value x = b.int_parameter("x");
  const Value to = b.pointer_parameter("to");
  Value y = x;
  for (int k = 0; k < products; ++k) y = y * x;
  b.store(y + plus, to, b.constant(int64_t{0}));
  return b.finish();
}

// Functions of very different sizes, and a table that points to them all.
loop::Module mixed_module(int functions) {
  loop::Module module;
  loop::DataStruct table;
  for (int k = 0; k < functions; ++k) {
    const std::string name = fmt::format("powers_{}", k);
    module.functions.push_back(powers(name, 1 + (k * 37) % 400, k));
    table.fields.push_back({loop::DataPointer{name, 0}});
  }
  module.data.push_back({.name = "table", .exported = true, .initial = {table}});
  return module;
}

TEST(Parts, EachFunctionIsInOne) {
  const loop::Module module = mixed_module(60);
  const std::vector<Part> parts = divide(module);
  EXPECT_GT(parts.size(), 4U);
  std::multiset<const loop::Function*> seen;
  for (const Part& part : parts) {
    EXPECT_EQ(part.defines_data, &part == &parts.front());
    EXPECT_TRUE(std::is_sorted(part.functions.begin(), part.functions.end()));
    seen.insert(part.functions.begin(), part.functions.end());
  }
  EXPECT_EQ(seen.size(), module.functions.size());
  for (const loop::Function& function : module.functions) EXPECT_EQ(seen.count(&function), 1U);
}

TEST(Parts, WorkIsAboutEqual) {
  const loop::Module module = mixed_module(60);
  std::vector<int64_t> work;
  for (const Part& part : divide(module)) {
    work.push_back(0);
    for (const loop::Function* function : part.functions) work.back() += function->num_values;
  }
  const auto [least, most] = std::minmax_element(work.begin(), work.end());
  EXPECT_LT(*most, 2 * *least);
}

TEST(Parts, AModuleWithoutCodeIsOne) {
  loop::Module module;
  module.data.push_back({.name = "number", .exported = true, .initial = {loop::DataInt{8, 7}}});
  EXPECT_EQ(divide(module).size(), 1U);
  EXPECT_EQ(*reinterpret_cast<int64_t*>(HostCode(module).address_of("number")), 7);
}

TEST(Parts, TheTableReachesEveryObject) {
  const HostCode code(mixed_module(60));
  using Powers = void(int64_t, int64_t*);
  auto* const* table = reinterpret_cast<Powers* const*>(code.address_of("table"));
  for (int k = 0; k < 60; ++k) {
    int64_t y = 0;
    table[k](-1, &y);
    const int products = 1 + (k * 37) % 400;
    EXPECT_EQ(y, (products % 2 == 0 ? -1 : 1) + k);
  }
}

TEST(Parts, EqualModulesGiveEqualBytes) {
  const ir::TargetInfo& target = ir::host_target();
  const std::vector<Object> once = emit_objects(mixed_module(60), target);
  EXPECT_GT(once.size(), 4U);
  EXPECT_EQ(once, emit_objects(mixed_module(60), target));
}

}  // namespace
}  // namespace dovetail::codegen
