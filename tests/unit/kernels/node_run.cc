#include "unit/kernels/node_run.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <random>

#include "codegen/codegen.h"
#include "ir/evaluate_scalar.h"
#include "ir/index_space.h"

namespace dovetail::kernels {
namespace {

constexpr int kPoison = 0xa5;

// Memory between two pages that cannot be touched.
class GuardedBuffer {
 public:
  GuardedBuffer(int64_t bytes, bool at_start) {
    const auto page = static_cast<int64_t>(sysconf(_SC_PAGESIZE));
    const int64_t inner = (bytes + page - 1) / page * page;
    mapped_ = inner + 2 * page;
    base_ = static_cast<std::byte*>(
        mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (inner > 0) mprotect(base_ + page, inner, PROT_READ | PROT_WRITE);
    start_ = base_ + page + (at_start ? 0 : inner - bytes);
    if (bytes > 0) std::memset(start_, kPoison, bytes);
  }
  ~GuardedBuffer() { munmap(base_, mapped_); }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;
  std::byte* start() const { return start_; }

 private:
  std::byte* base_ = nullptr;
  std::byte* start_ = nullptr;
  int64_t mapped_ = 0;
};

// One tensor in its own guarded memory.
class PlacedTensor {
 public:
  PlacedTensor(ir::DType dtype, std::vector<int64_t> shape, std::vector<int64_t> strides,
               bool at_start)
      : size_(ir::size_of(dtype)), shape_(std::move(shape)), strides_(std::move(strides)) {
    int64_t low = 0;
    int64_t high = 0;
    for (size_t i = 0; i < shape_.size(); ++i) {
      const int64_t reach = strides_[i] * (shape_[i] - 1);
      (reach < 0 ? low : high) += reach;
    }
    bytes_ = ir::count_of(shape_) == 0 ? 0 : (high - low + 1) * size_;
    buffer_ = std::make_unique<GuardedBuffer>(bytes_, at_start);
    first_ = buffer_->start() - low * size_;
  }

  std::byte* first() const { return first_; }

  void write(const ir::TensorData& data) {
    int64_t at = 0;
    ir::for_each_index(shape_, [&](const std::vector<int64_t>& index) {
      std::memcpy(element(index), data.bytes().data() + at, size_);
      at += size_;
    });
  }

  ir::TensorData read(ir::DType dtype) {
    std::vector<std::byte> bytes(ir::count_of(shape_) * size_);
    std::vector<bool> written(bytes_, false);
    int64_t at = 0;
    ir::for_each_index(shape_, [&](const std::vector<int64_t>& index) {
      std::memcpy(bytes.data() + at, element(index), size_);
      for (int64_t i = 0; i < size_; ++i) written[element(index) - buffer_->start() + i] = true;
      at += size_;
    });
    int64_t touched = 0;
    for (int64_t i = 0; i < bytes_; ++i)
      touched += !written[i] && buffer_->start()[i] != static_cast<std::byte>(kPoison);
    EXPECT_EQ(touched, 0) << "bytes between the elements were written";
    return {dtype, shape_, std::move(bytes)};
  }

 private:
  std::byte* element(const std::vector<int64_t>& index) const {
    return first_ + ir::offset_of(index, strides_) * size_;
  }

  int64_t size_;
  std::vector<int64_t> shape_;
  std::vector<int64_t> strides_;
  int64_t bytes_ = 0;
  std::unique_ptr<GuardedBuffer> buffer_;
  std::byte* first_ = nullptr;
};

Layout layout_of(const ir::Value& value, const std::vector<std::vector<int64_t>>& strides,
                 size_t k) {
  Layout layout{value.dtype(), value.shape(), ir::compact_strides(value.shape())};
  if (k < strides.size() && (!strides[k].empty() || value.shape().empty()))
    layout.strides.assign(strides[k].begin(), strides[k].end());
  return layout;
}

Request request_of(const NodeRun& run, const ir::CpuLevel& level) {
  Request request{.node = run.node,
                  .operands = {},
                  .results = {},
                  .level = &level,
                  .symbols = {},
                  .strict = run.strict};
  for (size_t k = 0; k < run.node->operands.size(); ++k)
    request.operands.push_back(layout_of(*run.node->operands[k], run.operand_strides, k));
  for (size_t k = 0; k < run.node->results.size(); ++k)
    request.results.push_back(layout_of(*run.node->results[k], run.result_strides, k));
  return request;
}

PlacedTensor place(const Layout& layout, const ir::SymbolValues& symbols, bool at_start) {
  std::vector<int64_t> shape, strides;
  for (const ir::Dim& extent : layout.shape) shape.push_back(extent.evaluate(symbols));
  for (const ir::Dim& stride : layout.strides) strides.push_back(stride.evaluate(symbols));
  return {layout.dtype, std::move(shape), std::move(strides), at_start};
}

// The calls of a node, compiled for this machine.
class CompiledNode {
 public:
  CompiledNode(const NodeRun& run, const ir::CpuLevel& level)
      : run_(run), request_(request_of(run, level)), calls_(make_calls(request_)) {
    loop::Module module;
    for (size_t i = 0; i < calls_.size(); ++i) {
      calls_[i].function.name += "_" + std::to_string(i);
      calls_[i].function.exported = true;
      module.functions.push_back(calls_[i].function);
    }
    code_ = std::make_unique<codegen::HostCode>(module);
  }

  std::vector<ir::TensorData> run(bool guard_before) const {
    std::vector<PlacedTensor> placed;
    for (size_t k = 0; k < request_.operands.size(); ++k) {
      placed.push_back(place(request_.operands[k], run_.symbols, guard_before));
      placed.back().write(run_.operands[k]);
    }
    for (const Layout& layout : request_.results)
      placed.push_back(place(layout, run_.symbols, guard_before));
    std::vector<std::byte*> tensors;
    for (const PlacedTensor& tensor : placed) tensors.push_back(tensor.first());
    for (const Call& call : calls_) run_call(call, tensors);
    std::vector<ir::TensorData> results;
    for (size_t k = 0; k < request_.results.size(); ++k)
      results.push_back(placed[request_.operands.size() + k].read(request_.results[k].dtype));
    return results;
  }

 private:
  // The last chunk first, for two workers in turn.
  void run_call(const Call& call, const std::vector<std::byte*>& tensors) const {
    constexpr int kWorkers = 2;
    const int64_t scratch = call.scratch.evaluate(run_.symbols);
    EXPECT_EQ(scratch % 64, 0);
    const GuardedBuffer scratch_buffer(scratch * kWorkers, false);
    std::vector<int64_t> words;
    for (const Argument& argument : call.arguments) {
      const int64_t value = argument.value.evaluate(run_.symbols);
      switch (argument.kind) {
        case Argument::Kind::kInt:
          words.push_back(value);
          break;
        case Argument::Kind::kPointer:
          words.push_back(reinterpret_cast<int64_t>(tensors.at(argument.tensor) + value));
          break;
        case Argument::Kind::kScratch:
          words.push_back(reinterpret_cast<int64_t>(scratch_buffer.start()));
          break;
      }
    }
    auto* task = code_->function<void(void*, int64_t, int32_t)>(call.function.name);
    for (int64_t chunk = call.chunks.evaluate(run_.symbols); chunk-- > 0;)
      task(words.data(), chunk, static_cast<int32_t>(chunk % kWorkers));
  }

  const NodeRun& run_;
  Request request_;
  std::vector<Call> calls_;
  std::unique_ptr<codegen::HostCode> code_;
};

bool close(double got, double expected, const Tolerance& tolerance) {
  if (std::isnan(expected)) return std::isnan(got);
  if (got == expected) return true;
  return std::fabs(got - expected) <= tolerance.absolute + tolerance.relative * std::fabs(expected);
}

void expect_close(const ir::TensorData& got, const ir::TensorData& expected,
                  const Tolerance& tolerance) {
  ASSERT_EQ(got.shape(), expected.shape());
  ASSERT_EQ(got.dtype(), expected.dtype());
  for (int64_t i = 0; i < got.element_count(); ++i) {
    const bool same = ir::is_float(got.dtype())
                          ? close(got.as_double(i), expected.as_double(i), tolerance)
                          : got.as_int(i) == expected.as_int(i);
    ASSERT_TRUE(same) << "element " << i << ": " << got.as_double(i) << ", expected "
                      << expected.as_double(i);
  }
}

}  // namespace

std::vector<ir::CpuLevel> host_levels() {
  const ir::TargetInfo& host = ir::host_target();
  const ir::CpuLevel native = ir::cpu_level(host, "native");
  std::vector<ir::CpuLevel> levels{ir::baseline(host)};
  if (host.family != ir::Family::kX86_64) return levels;
  for (const char* name : {"x86-64-v3", "x86-64-v4"}) {
    const ir::CpuLevel level = ir::cpu_level(host, name);
    if ((level.features & ~native.features) == 0) levels.push_back(level);
  }
  return levels;
}

std::vector<ir::TensorData> run_node(const NodeRun& run, const ir::CpuLevel& level) {
  return CompiledNode(run, level).run(false);
}

void expect_evaluated(const NodeRun& run, Tolerance tolerance) {
  const std::vector<ir::TensorData> expected = ir::evaluate(*run.node, run.operands, run.symbols);
  for (const ir::CpuLevel& level : host_levels()) {
    const CompiledNode compiled(run, level);
    for (const bool guard_before : {false, true}) {
      SCOPED_TRACE(level.name + (guard_before ? ", guarded in front" : ", guarded behind"));
      const std::vector<ir::TensorData> results = compiled.run(guard_before);
      ASSERT_EQ(results.size(), expected.size());
      for (size_t k = 0; k < results.size(); ++k) {
        expect_close(results[k], expected[k], tolerance);
        if (::testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

std::vector<std::string> function_names(const NodeRun& run, const ir::CpuLevel& level) {
  std::vector<std::string> names;
  for (const Call& call : make_calls(request_of(run, level))) names.push_back(call.function.name);
  return names;
}

ir::TensorData random_tensor(ir::DType dtype, std::vector<int64_t> shape, double low, double high,
                             uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(low, high);
  std::vector<ir::Scalar> values(ir::count_of(shape));
  for (ir::Scalar& value : values) {
    const double number = uniform(random);
    if (ir::is_float(dtype)) {
      value.real = number;
    } else if (dtype == ir::DType::kBool) {
      value.integer = static_cast<int64_t>(random() % 2);
    } else {
      value.integer = static_cast<int64_t>(std::floor(number));
    }
    value = ir::round_to(dtype, value);
  }
  return ir::encode(dtype, std::move(shape), values);
}

std::vector<int64_t> ordered_strides(const std::vector<int64_t>& shape,
                                     const std::vector<int>& order, int64_t row) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t i = order.size(); i-- > 0;) {
    strides[order[i]] = stride;
    stride *= row && i + 1 == order.size() ? row : shape[order[i]];
  }
  return strides;
}

namespace {

std::vector<ir::TensorData> random_operands(ir::DType dtype,
                                            const std::vector<std::vector<int64_t>>& shapes) {
  std::vector<ir::TensorData> operands;
  uint32_t seed = 1;
  for (const std::vector<int64_t>& shape : shapes)
    operands.push_back(random_tensor(dtype, shape, -2, 2, seed++));
  return operands;
}

}  // namespace

OneNode::OneNode(ir::Primitive op, std::vector<ir::TensorData> operands) {
  std::vector<ir::Value*> values;
  for (const ir::TensorData& operand : operands) {
    const auto& shape = operand.shape();
    values.push_back(graph.input("x", {operand.dtype(), ir::Shape(shape.begin(), shape.end())}));
  }
  run.operands = std::move(operands);
  run.node = graph.add(std::move(op), values);
}

OneNode::OneNode(ir::Primitive op, ir::DType dtype, const std::vector<std::vector<int64_t>>& shapes)
    : OneNode(std::move(op), random_operands(dtype, shapes)) {}

}  // namespace dovetail::kernels
