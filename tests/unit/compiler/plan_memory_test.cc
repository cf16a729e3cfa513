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
    ir::KernelCall call;
    for (size_t b = i; b < i + 2; ++b) {
      call.arguments.push_back({ir::StepArgument::Kind::kPointer, static_cast<int>(b), 0});
    }
    plan.steps.push_back({std::move(call), {}});
  }
  return plan;
}

bool overlap(const Buffer& a, const Buffer& b, int64_t n) {
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
        EXPECT_FALSE(together && overlap(a, b, size)) << i << " and " << j << " at n = " << size;
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

ir::Step call(const std::vector<int>& buffers) {
  ir::KernelCall call;
  for (const int b : buffers) call.arguments.push_back({ir::StepArgument::Kind::kPointer, b, 0});
  return {std::move(call), {}};
}

Plan plan_of(int buffers, ir::Steps steps) {
  Plan plan;
  plan.buffers.resize(buffers);
  for (Buffer& buffer : plan.buffers) buffer.bytes = 64;
  plan.steps = std::move(steps);
  return plan;
}

TEST(PlanMemory, BranchesShareMemory) {
  ir::BranchStep branch{{ir::StepArgument::Kind::kPointer, 0, 0},
                        std::make_shared<ir::Steps>(ir::Steps{call({0, 1})}),
                        std::make_shared<ir::Steps>(ir::Steps{call({0, 2})})};
  Plan plan = plan_of(3, {call({0}), {std::move(branch), {}}});
  plan_memory(&plan, {});
  EXPECT_EQ(plan.buffers[1].offset, plan.buffers[2].offset);
  EXPECT_NE(plan.buffers[0].offset, plan.buffers[1].offset);
}

// 0 is made before the loop and read early in it; 1 lives at the end of an iteration only.
TEST(PlanMemory, WhatALoopReadsLivesThroughIt) {
  ir::LoopStep loop;
  loop.trips = Dim(3);
  loop.body = std::make_shared<ir::Steps>(ir::Steps{call({0, 2}), call({1})});
  Plan plan = plan_of(3, {call({0}), {std::move(loop), {}}});
  plan_memory(&plan, {});
  EXPECT_NE(plan.buffers[0].offset, plan.buffers[1].offset);
  EXPECT_EQ(plan.buffers[2].offset, plan.buffers[1].offset);
}

TEST(PlanMemory, ReservesWhatARunSizes) {
  ir::BranchStep branch{{ir::StepArgument::Kind::kPointer, 0, 0},
                        std::make_shared<ir::Steps>(ir::Steps{call({1})}),
                        std::make_shared<ir::Steps>(ir::Steps{call({1})})};
  Plan plan = plan_of(2, {call({0}), {branch, {}}, call({1})});
  plan.run_symbols = {"s"};
  plan.buffers[1].bytes = Dim::symbol("s");
  plan_memory(&plan, {});
  EXPECT_EQ(plan.reserved_slots, 1);
  EXPECT_EQ(plan.buffers[1].kind, Buffer::Kind::kReserved);
  EXPECT_EQ(plan.steps.size(), 3U);  // reserved in both branches, so not behind them
  const auto& after = std::get<ir::BranchStep>(plan.steps[1].node);
  for (const auto& steps : {after.then_steps, after.else_steps}) {
    ASSERT_EQ(steps->size(), 2U);
    EXPECT_TRUE(std::holds_alternative<ir::ReserveStep>(steps->front().node));
  }
}

}  // namespace
}  // namespace dovetail::compiler
