// Speed of contraction kernels alone, in GFLOP/s of direct arithmetic, beside the machine's peak.
// bench_kernels --benchmark_filter=conv; DOVETAIL_CPU names another level than the machine's.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <random>

#include "codegen/codegen.h"
#include "ir/graph.h"
#include "kernels/kernel.h"

namespace dovetail {
namespace {

using ir::Dim;
using ir::DType;
using ir::ScalarOp;
using loop::Value;

// One layer: x (N, S..., C) with weights to M columns; bias and ReLU fused.
struct Layer {
  std::string name;
  std::vector<int64_t> x;
  int64_t columns;
  std::vector<int64_t> kernel = {}, strides = {}, pad = {};
  int64_t groups = 1;
  int64_t gap = 0;  // elements between pixels of x
  int winograd = 0;
  bool cold = false;  // other weights in each run, 64 MiB in all, as in a model of many layers
};

// 3x3 layers of stride 1: (pixels of a side, channels, columns).
constexpr int64_t kSquares[][3] = {{112, 64, 64}, {112, 16, 32},  {56, 64, 64},   {56, 128, 128},
                                   {56, 24, 36},  {56, 16, 32},   {28, 128, 128}, {28, 256, 256},
                                   {28, 32, 32},  {14, 256, 256}, {14, 512, 512}, {14, 32, 32},
                                   {7, 64, 64},   {7, 256, 256},  {7, 512, 512}};

std::vector<Layer> winograd_layers() {
  std::vector<Layer> result;
  for (const auto& [side, channels, columns] : kSquares) {
    for (const int tile : {0, 2, 4}) {
      for (const bool cold : {false, true}) {
        result.push_back({fmt::format("winograd{}/{}x{}_{}_{}{}", tile, side, side, channels,
                                      columns, cold ? "_cold" : ""),
                          {1, side, side, channels},
                          columns,
                          {3, 3},
                          {1, 1},
                          {1, 1},
                          1,
                          channels == 512 ? 16 : 0,
                          tile,
                          cold});
      }
    }
  }
  return result;
}

std::vector<Layer> layers() {
  return {
      {"conv3x3/56x56_64_64", {1, 56, 56, 64}, 64, {3, 3}, {1, 1}, {1, 1}},
      {"conv3x3/28x28_128_128", {1, 28, 28, 128}, 128, {3, 3}, {1, 1}, {1, 1}},
      {"conv3x3/14x14_256_256", {1, 14, 14, 256}, 256, {3, 3}, {1, 1}, {1, 1}},
      {"conv3x3/7x7_512_512", {1, 7, 7, 512}, 512, {3, 3}, {1, 1}, {1, 1}, 1, 16},
      {"conv3x3_s2/56x56_128_128", {1, 56, 56, 128}, 128, {3, 3}, {2, 2}, {1, 1}},
      {"conv3x3/56x56_24_36", {1, 56, 56, 24}, 36, {3, 3}, {1, 1}, {1, 1}},
      {"conv1x1/56x56_64_256", {1, 56, 56, 64}, 256, {1, 1}, {1, 1}, {0, 0}},
      {"conv1x1/56x56_256_64", {1, 56, 56, 256}, 64, {1, 1}, {1, 1}, {0, 0}},
      {"conv1x1/14x14_1024_256_gap16", {1, 14, 14, 1024}, 256, {1, 1}, {1, 1}, {0, 0}, 1, 16},
      {"conv1x1/14x14_1024_256", {1, 14, 14, 1024}, 256, {1, 1}, {1, 1}, {0, 0}},
      {"conv1x1/7x7_2048_512_gap16", {1, 7, 7, 2048}, 512, {1, 1}, {1, 1}, {0, 0}, 1, 16},
      {"t/7x7_256_512", {1, 7, 7, 256}, 512, {1, 1}, {1, 1}, {0, 0}, 1, 16},
      {"t/7x7_512_512", {1, 7, 7, 512}, 512, {1, 1}, {1, 1}, {0, 0}, 1, 16},
      {"t/7x7_1024_512", {1, 7, 7, 1024}, 512, {1, 1}, {1, 1}, {0, 0}, 1, 16},
      {"t/7x7_2048_512", {1, 7, 7, 2048}, 512, {1, 1}, {1, 1}, {0, 0}, 1, 16},
      {"t/7x7_2048_512_cold", {1, 7, 7, 2048}, 512, {1, 1}, {1, 1}, {0, 0}, 1, 16, 0, true},
      {"t/7x7_512_2048", {1, 7, 7, 512}, 2048, {1, 1}, {1, 1}, {0, 0}, 1, 16},
      {"t/7x7_512_2048_cold", {1, 7, 7, 512}, 2048, {1, 1}, {1, 1}, {0, 0}, 1, 16, 0, true},
      {"t/3x3_512_512", {1, 7, 7, 512}, 512, {3, 3}, {1, 1}, {1, 1}, 1, 16},
      {"t/3x3_512_512_cold", {1, 7, 7, 512}, 512, {3, 3}, {1, 1}, {1, 1}, 1, 16, 0, true},
      {"t/14_1024_256_cold", {1, 14, 14, 1024}, 256, {1, 1}, {1, 1}, {0, 0}, 1, 0, 0, true},
      {"t/14_256_1024_cold", {1, 14, 14, 256}, 1024, {1, 1}, {1, 1}, {0, 0}, 1, 0, 0, true},
      {"t/28_512_128_cold", {1, 28, 28, 512}, 128, {1, 1}, {1, 1}, {0, 0}, 1, 0, 0, true},
      {"t/28_128_512_cold", {1, 28, 28, 128}, 512, {1, 1}, {1, 1}, {0, 0}, 1, 0, 0, true},
      {"conv1x1/28x28_58_58", {1, 28, 28, 58}, 58, {1, 1}, {1, 1}, {0, 0}},
      {"conv7x7_s2/224x224_3_64", {1, 224, 224, 3}, 64, {7, 7}, {2, 2}, {3, 3}},
      {"depthwise3x3/112x112_96", {1, 112, 112, 96}, 96, {3, 3}, {1, 1}, {1, 1}, 96},
      {"depthwise3x3_s2/112x112_96", {1, 112, 112, 96}, 96, {3, 3}, {2, 2}, {1, 1}, 96},
      {"depthwise3x3/56x56_144", {1, 56, 56, 144}, 144, {3, 3}, {1, 1}, {1, 1}, 144},
      {"depthwise5x5/14x14_240", {1, 14, 14, 240}, 240, {5, 5}, {1, 1}, {2, 2}, 240},
      {"depthwise3x3/28x28_58", {1, 28, 28, 58}, 58, {3, 3}, {1, 1}, {1, 1}, 58, 6},
      {"gemm/512", {512, 512}, 512},
      {"gemm/1024", {1024, 1024}, 1024},
      {"gemm/1024_gap16", {1024, 1024}, 1024, {}, {}, {}, 1, 16},
      {"gemm/6x1024x1024", {6, 1024}, 1024},
      {"gemv/1024x1024", {1, 1024}, 1024},
      {"gemv/64x64", {1, 64}, 64},
  };
}

ir::CpuLevel level() {
  const char* name = std::getenv("DOVETAIL_CPU");
  return ir::cpu_level(ir::host_target(), name ? name : "native");
}

kernels::Layout layout_of(const ir::Value& value, int64_t gap) {
  kernels::Layout layout{value.dtype(), value.shape(), ir::compact_strides(value.shape())};
  for (size_t i = 0; i + 1 < layout.strides.size(); ++i) {
    layout.strides[i] =
        ir::floordiv(layout.strides[i], value.shape().back()) * (value.shape().back() + Dim(gap));
  }
  return layout;
}

// A layer's compiled call with its memory.
class Kernel {
 public:
  explicit Kernel(const Layer& layer) : level_(level()) {
    ir::Node* node = make_node(layer);
    kernels::Request request{.node = node,
                             .operands = {},
                             .results = {},
                             .level = &level_,
                             .symbols = {},
                             .strict = false};
    for (const ir::Value* operand : node->operands) {
      request.operands.push_back(layout_of(*operand, request.operands.empty() ? layer.gap : 0));
    }
    request.results.push_back(layout_of(*node->result(), 0));
    call_ = kernels::make_calls(request).front();
    code_ = std::make_unique<codegen::HostCode>(loop::Module{{call_.function}, {}});
    task_ = code_->function<void(void*, int64_t, int32_t)>(call_.function.name);
    chunks_ = call_.chunks.value();
    std::mt19937 generator(1);
    std::vector<kernels::Layout> layouts = request.operands;
    layouts.push_back(request.results[0]);
    for (const kernels::Layout& layout : layouts) {
      size_t size = layout.strides.front().value() * layout.shape.front().value() + 32;
      if (tensors_.size() == 1) {
        weights_bytes_ = size * sizeof(float);
        if (layer.cold) copies_ = kColdBytes / weights_bytes_ + 1;
        size *= copies_;
      }
      std::vector<float> tensor(size);
      for (float& element : tensor) element = static_cast<float>(generator() % 1024) / 1024 - 0.5F;
      tensors_.push_back(std::move(tensor));
    }
    scratch_.resize(call_.scratch.value() / sizeof(float));
    for (const kernels::Argument& argument : call_.arguments) {
      const auto value = static_cast<uint64_t>(argument.value.value());
      if (argument.tensor == 1) weights_word_ = words_.size();
      const void* base = nullptr;
      if (argument.kind == kernels::Argument::Kind::kPointer) {
        base = tensors_[argument.tensor].data();
      } else if (argument.kind == kernels::Argument::Kind::kScratch) {
        base = scratch_.data();
      }
      words_.push_back(value + reinterpret_cast<uint64_t>(base));
    }
    operations_ = 2.0 * static_cast<double>(ir::element_count(node->result()->shape()).value()) *
                  static_cast<double>(depth_);
  }

  void run() {
    for (int64_t chunk = 0; chunk < chunks_; ++chunk) task_(words_.data(), chunk, 0);
    copy_ = (copy_ + 1) % copies_;
    words_[weights_word_] = reinterpret_cast<uint64_t>(tensors_[1].data()) + copy_ * weights_bytes_;
  }
  double operations() const { return operations_; }
  const std::string& name() const { return call_.function.name; }
  int64_t chunks() const { return chunks_; }

 private:
  ir::Node* make_node(const Layer& layer) {
    ir::Contract contract;
    contract.window.kernel = layer.kernel;
    contract.window.strides = layer.strides;
    contract.window.dilations.assign(layer.kernel.size(), 1);
    contract.window.pad_lo.assign(layer.pad.begin(), layer.pad.end());
    contract.window.pad_hi = contract.window.pad_lo;
    contract.groups = layer.groups;
    const int64_t channels = layer.x.back() / layer.groups;
    depth_ = channels;
    ir::Shape w;
    if (layer.groups == 1) {
      contract.panel = ir::panel_width(ir::host_target().family);
      contract.columns = layer.columns;
      w.push_back((layer.columns + contract.panel - 1) / contract.panel);
    }
    contract.winograd = layer.winograd;
    for (const int64_t extent : layer.kernel) {
      w.push_back(layer.winograd ? layer.winograd + 2 : extent);
      depth_ *= extent;
    }
    w.push_back(channels);
    w.push_back(layer.groups == 1 ? contract.panel : layer.columns);
    ir::ExprBuilder e;
    const auto sum = e.binary(ScalarOp::kAdd, e.operand(0, DType::kF32), e.operand(1, DType::kF32));
    contract.epilogue = e.finish(e.binary(ScalarOp::kMax, sum, e.constant(0.0, DType::kF32)));
    ir::Shape bias(layer.x.size(), 1);
    bias.back() = layer.columns;
    const ir::Shape x(layer.x.begin(), layer.x.end());
    return graph_.add(contract,
                      {graph_.input("x", {DType::kF32, x}), graph_.input("w", {DType::kF32, w}),
                       graph_.input("bias", {DType::kF32, bias})});
  }

  ir::CpuLevel level_;
  ir::Graph graph_;
  kernels::Call call_;
  std::unique_ptr<codegen::HostCode> code_;
  std::vector<std::vector<float>> tensors_;
  static constexpr size_t kColdBytes = 64 << 20;
  size_t weights_bytes_ = 0, weights_word_ = 0, copies_ = 1, copy_ = 0;
  std::vector<float> scratch_;
  std::vector<uint64_t> words_;
  void (*task_)(void*, int64_t, int32_t) = nullptr;
  int64_t chunks_ = 0;
  double operations_ = 0;
  int64_t depth_ = 0;
};

// Chains of fused multiply-adds in registers.
class Peak {
 public:
  Peak() {
    const ir::CpuLevel host = level();
    loop::Builder code("peak", loop::Convention::kTask);
    code.function().llvm_cpu = host.llvm_cpu;
    code.function().llvm_features = host.llvm_features;
    const Value data = code.pointer_parameter("data");
    lanes_ = host.vector_bytes / 4;
    const loop::Type type = loop::vector(DType::kF32, lanes_);
    const Value factor = code.load(type, data, code.constant(int64_t{0}));
    std::vector<loop::Var> sums;
    for (int i = 0; i < kChains; ++i) sums.push_back(code.var("sum", factor));
    code.for_each("step", code.constant(int64_t{0}), code.constant(int64_t{kSteps}), 1,
                  [&](const Value&) {
                    for (const loop::Var& sum : sums) sum.set(code.fma(sum.get(), factor, factor));
                  });
    for (const loop::Var& sum : sums) code.store(sum.get(), data, code.constant(int64_t{0}));
    code_ = std::make_unique<codegen::HostCode>(loop::Module{{code.finish()}, {}});
  }
  void run() {
    uint64_t words[] = {reinterpret_cast<uint64_t>(data_)};
    code_->function<void(void*, int64_t, int32_t)>("peak")(words, 0, 0);
  }
  double operations() const { return 2.0 * kChains * kSteps * lanes_; }

 private:
  static constexpr int kChains = 12;
  static constexpr int kSteps = 20000;
  int lanes_ = 1;
  float data_[64] = {};
  std::unique_ptr<codegen::HostCode> code_;
};

template <class Work>
void measure(benchmark::State& state, Work& work) {
  for (auto _ : state) work.run();
  state.counters["GFLOP/s"] =
      benchmark::Counter(work.operations() * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

void register_benchmarks() {
  benchmark::RegisterBenchmark("peak", [](benchmark::State& state) {
    Peak peak;
    measure(state, peak);
  });
  std::vector<Layer> all = layers();
  for (Layer& layer : winograd_layers()) all.push_back(std::move(layer));
  for (const Layer& layer : all) {
    benchmark::RegisterBenchmark(layer.name.c_str(), [layer](benchmark::State& state) {
      Kernel kernel(layer);
      kernel.run();
      measure(state, kernel);
      state.SetLabel(fmt::format("{}, {} chunks", kernel.name(), kernel.chunks()));
    })->Unit(benchmark::kMicrosecond);
  }
}

[[maybe_unused]] const bool registered = (register_benchmarks(), true);

}  // namespace
}  // namespace dovetail
