#include <gtest/gtest.h>

#include "compiler/lower.h"

namespace dovetail::compiler {
namespace {

using ir::Buffer;
using ir::Dim;
using ir::Plan;

// A chain: step i reads buffer i and writes buffer i + 1.
Plan chain(const std::vector<Dim>& bytes) {
  Plan plan;
  for (const Dim& size : bytes)
    plan.buffers.push_back({.kind = Buffer::Kind::kWorkspace, .bytes = size});
  for (size_t i = 0; i + 1 < bytes.size(); ++i) {
    ir::Step step;
    for (size_t b = i; b < i + 2; ++b) {
      step.arguments.push_back({ir::StepArgument::Kind::kPointer, static_cast<int>(b), 0});
    }
    plan.steps.push_back(std::move(step));
  }
  return plan;
}

bool overlap(const Buffer& a, const Buffer& b, const ir::SymbolBounds&, int64_t n) {
  const std::map<std::string, int64_t> values{{"n", n}};
  const auto begin = [&](const Buffer& x) { return x.offset.evaluate(values); };
  const auto end = [&](const Buffer& x) { return begin(x) + x.bytes.evaluate(values); };
  return begin(a) < end(b) && begin(b) < end(a);
}

TEST(PlanMemory, BuffersAliveAtOnceNeverOverlap) {
  const Dim n = Dim::symbol("n");
  Plan plan = chain({n * 100, n * 3, Dim(4096), n * 70, Dim(7), n * n});
  plan_memory(&plan, {});
  for (const int64_t size : {0, 1, 2, 63, 1000}) {
    for (size_t i = 0; i < plan.buffers.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        const Buffer& a = plan.buffers[i];
        const Buffer& b = plan.buffers[j];
        const bool together = a.first_step <= b.last_step && b.first_step <= a.last_step;
        if (together)
          EXPECT_FALSE(overlap(a, b, {}, size)) << i << " and " << j << " at n = " << size;
      }
    }
  }
}

TEST(PlanMemory, BuffersShareSlots) {
  Plan plan = chain({1000, 1000, 1000, 1000, 1000, 1000});
  plan_memory(&plan, {});
  EXPECT_EQ(plan.workspace, Dim(2 * 1024));
}

TEST(PlanMemory, OffsetsAreAligned) {
  Plan plan = chain({1, 65, 127, 3});
  plan_memory(&plan, {});
  for (const Buffer& buffer : plan.buffers) EXPECT_EQ(buffer.offset.value() % 64, 0);
}

}  // namespace
}  // namespace dovetail::compiler
