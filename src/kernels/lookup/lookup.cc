#include "kernels/lookup/lookup.h"

#include <algorithm>
#include <set>

#include "kernels/lookup/position_code.h"

namespace dovetail::kernels {
namespace {

using ir::Dim;
using lookup::Block;
using lookup::Item;
using lookup::Items;
using lookup::Level;
using lookup::PositionCode;
using lookup::Run;
using loop::Value;

// Elements of about 20 us, by vectors and one by one.
constexpr int64_t kVectorChunk = 65536;
constexpr int64_t kScalarChunk = 16384;

class LookupKernel {
 public:
  explicit LookupKernel(const Request& request)
      : request_(request),
        op_(*request.node->as<ir::Lookup>()),
        y_(request.results[0]),
        items_(request, y_.shape) {
    result_ = items_.add(op_.expr);
    std::vector<int> position;
    for (int i = 0; i < static_cast<int>(y_.shape.size()); ++i) position.push_back(items_.index(i));
    target_ = items_.target();
    place_ = items_.row_offset(target_, position);
    varying_ = items_.varying_terms(target_, position);
    store_run_ = items_.run_of(target_, position);
    // A result of one element per row has no axis for vectors.
    if (!store_run_ || !collect_loads(result_)) return;
    lanes_ = request.level->vector_bytes / widest_;
    if (!repeats_fit()) lanes_ = 1;
  }

  Call make() {
    TaskWriter task(lanes_ > 1 ? "lookup" : "lookup_scalar", request_);
    PositionCode code(task, items_, op_.dims);
    const bool one_row = items_.axes().size() < 2;
    Dim rows = 1, length = 1;
    for (size_t i = 0; i < items_.axes().size(); ++i)
      (i + 1 < items_.axes().size() ? rows : length) *= y_.shape[items_.axes()[i]];
    const int64_t elements = lanes_ > 1 ? kVectorChunk : kScalarChunk;
    const Dim per_chunk = one_row ? Dim(elements) : max(1, floordiv(elements, max(length, 1)));
    const Value step = task.integer("per_chunk", per_chunk);
    code_ = &code;
    b_ = &task.code();
    const Value first = b_->chunk() * step;
    code.begin();
    if (one_row) {
      row(first, min(first + step, code.row_length()));
    } else {
      code.each_row(first, min(first + step, code.num_rows()),
                    [&] { row(code.zero(), code.row_length()); });
    }
    return task.finish(ceildiv(one_row ? length : rows, per_chunk));
  }

 private:
  // The loads behind a value that varies along a row; false when one of them is no run.
  bool collect_loads(int i) {
    const Item& item = items_[i];
    widest_ = std::max(widest_, ir::size_of(item.dtype));
    if (item.level != Level::kElement) return true;
    if (item.kind == Item::Kind::kLoad) {
      loads_.insert(i);
      return items_.run_of_load(i).has_value();
    }
    return std::all_of(item.arguments.begin(), item.arguments.end(),
                       [&](int argument) { return collect_loads(argument); });
  }

  // Blocks start at whole repeats when no load clips a row.
  bool repeats_fit() const {
    int repeat = 1;
    bool covered = true;
    for (const int load : loads_) {
      const Run run = *items_.run_of_load(load);
      repeat = std::max(repeat, run.repeat);
      covered = covered && items_.covers(items_[load].tensor, run);
    }
    return repeat == 1 || (covered && lanes_ % repeat == 0);
  }

  void element(const Value& index) {
    const Block block{index};
    code_->start_block();
    const Value value = code_->value(result_, block);
    Value offset = code_->row_value_or_zero(place_);
    for (const int term : varying_) offset = offset + code_->value(term, block);
    b_->store(value, code_->pointer(target_), offset);
  }

  void elements(const Value& begin, const Value& end) {
    b_->for_each("element", begin, end, 1, [&](const Value& index) { element(index); });
  }

  void block(const Block& block) {
    code_->start_block();
    const Value value = code_->value(result_, block);
    const Value offset =
        code_->row_value_or_zero(place_) + code_->run_offset(target_, *store_run_, block);
    if (block.count) {
      b_->store_masked(value, code_->pointer(target_), offset, *block.count);
    } else {
      b_->store(value, code_->pointer(target_), offset);
    }
  }

  void blocks(const Value& begin, const Value& end) {
    const Value full = begin + (end - begin) / lanes_ * lanes_;
    b_->for_each("block", begin, full, lanes_, [&](const Value& index) { block({index, lanes_}); });
    b_->if_(full < end, [&] { block({full, lanes_, end - full}); });
  }

  // Elements whose loads need no clamp go by vectors.
  void row(const Value& begin, const Value& end) {
    if (lanes_ == 1) {
      elements(begin, end);
      return;
    }
    Value low = begin;
    Value high = end;
    bool clipped = false;
    for (const int load : loads_) {
      const Run run = *items_.run_of_load(load);
      const int tensor = items_[load].tensor;
      clipped = clipped || !items_.covers(tensor, run);
      code_->clip(tensor, run, &low, &high);
      if (!items_.may_be_empty(tensor)) continue;
      clipped = true;
      high = b_->select(code_->is_filled(tensor), high, begin);
    }
    if (!clipped) {
      blocks(begin, end);
      return;
    }
    low = min(low, end);
    high = max(high, low);
    elements(begin, low);
    blocks(low, high);
    elements(high, end);
  }

  const Request& request_;
  const ir::Lookup& op_;
  const Layout& y_;
  Items items_;
  int result_ = -1, target_ = -1, place_ = -1;
  std::vector<int> varying_;
  std::optional<Run> store_run_;
  std::set<int> loads_;  // that vary along a row
  int widest_ = 1;       // bytes of what is computed per element
  int lanes_ = 1;
  PositionCode* code_ = nullptr;
  loop::Builder* b_ = nullptr;
};

}  // namespace

Call lookup_call(const Request& request) { return LookupKernel(request).make(); }

}  // namespace dovetail::kernels
