#include "kernels/scatter/scatter.h"

#include <algorithm>

#include "kernels/lookup/position_code.h"
#include "kernels/move/copy_part.h"
#include "kernels/scalar/scalar_code.h"

namespace dovetail::kernels {
namespace {

using ir::Dim;
using lookup::Block;
using lookup::Items;
using lookup::Level;
using lookup::PositionCode;
using lookup::Run;
using loop::Opcode;
using loop::Value;

constexpr int kUpdates = 1;  // the operand

ir::ScalarExpr combining(ir::ScatterKind kind, ir::DType dtype) {
  static constexpr ir::ScalarOp kSteps[] = {ir::ScalarOp::kAdd, ir::ScalarOp::kAdd,
                                            ir::ScalarOp::kMul, ir::ScalarOp::kMin,
                                            ir::ScalarOp::kMax};
  static constexpr ir::ScalarOp kLogical[] = {ir::ScalarOp::kOr, ir::ScalarOp::kOr,
                                              ir::ScalarOp::kAnd, ir::ScalarOp::kAnd,
                                              ir::ScalarOp::kOr};
  ir::ExprBuilder e;
  const auto old = e.operand(0, dtype);
  const auto update = e.operand(1, dtype);
  if (kind == ir::ScatterKind::kReplace) return e.finish(update);
  const auto& steps = dtype == ir::DType::kBool ? kLogical : kSteps;
  return e.finish(e.binary(steps[static_cast<int>(kind)], old, update));
}

class ScatterKernel {
 public:
  explicit ScatterKernel(const Request& request)
      : request_(request),
        op_(*request.node->as<ir::Scatter>()),
        y_(request.results[0]),
        items_(request, request.operands[kUpdates].shape),
        target_(items_.target()),
        combine_(combining(op_.kind, y_.dtype)) {
    for (const ir::ScalarExpr& expr : op_.coordinates) coordinates_.push_back(items_.add(expr));
    std::vector<int> position;
    for (int i = 0; i < static_cast<int>(items_.domain().size()); ++i)
      position.push_back(items_.index(i));
    update_ = items_.load(kUpdates, position);
    place_ = items_.row_offset(target_, coordinates_);
    varying_ = items_.varying_terms(target_, coordinates_);
    run_ = items_.run_of(target_, coordinates_);
    const auto varying = [&](int item) { return items_[item].level == Level::kElement; };
    if (run_ && run_->repeat == 1 &&
        std::count_if(coordinates_.begin(), coordinates_.end(), varying) == 1 &&
        items_.run_of_load(update_))
      lanes_ = request.level->vector_bytes / ir::size_of(y_.dtype);
  }

  Call make() {
    TaskWriter task(lanes_ > 1 ? "scatter" : "scatter_scalar", request_);
    PositionCode code(task, items_, op_.dims);
    code_ = &code;
    b_ = &task.code();
    code.begin();
    code.each_row(code.zero(), code.num_rows(), [&] {
      if (const auto inside = row_inside()) {
        b_->if_(*inside, [&] { row(); });
      } else {
        row();
      }
    });
    return task.finish(1);
  }

 private:
  Value is_inside(size_t axis, const Value& at) {
    const Value& extent = code_->extent(target_, static_cast<int>(axis));
    return b_->binary(Opcode::kAnd, at >= 0, at < extent);
  }

  // Whether the coordinates that are the same in a whole row are inside; nothing: there are none.
  std::optional<Value> row_inside() {
    std::optional<Value> inside;
    for (size_t i = 0; i < coordinates_.size(); ++i) {
      if (items_[coordinates_[i]].level == Level::kElement) continue;
      const Value here = is_inside(i, code_->row_value(coordinates_[i]));
      inside = inside ? b_->binary(Opcode::kAnd, *inside, here) : here;
    }
    return inside;
  }

  void row() {
    if (lanes_ == 1) {
      b_->for_each("element", code_->zero(), code_->row_length(), 1,
                   [&](const Value& index) { element({index}); });
      return;
    }
    Value low = code_->zero();
    Value high = code_->row_length();
    code_->clip(target_, *run_, &low, &high);
    high = max(high, low);
    const Value full = low + (high - low) / lanes_ * lanes_;
    b_->for_each("block", low, full, lanes_, [&](const Value& index) { block({index, lanes_}); });
    b_->if_(full < high, [&] { block({full, lanes_, high - full}); });
  }

  void element(const Block& block) {
    code_->start_block();
    std::optional<Value> inside;
    for (size_t i = 0; i < coordinates_.size(); ++i) {
      if (items_[coordinates_[i]].level != Level::kElement) continue;
      const Value here = is_inside(i, code_->value(coordinates_[i], block));
      inside = inside ? b_->binary(Opcode::kAnd, *inside, here) : here;
    }
    const auto write = [&] {
      Value offset = code_->row_value_or_zero(place_);
      for (const int term : varying_) offset = offset + code_->value(term, block);
      const Value& y = code_->pointer(target_);
      b_->store(combined(b_->load(loop::scalar(y_.dtype), y, offset), block), y, offset);
    };
    if (inside) {
      b_->if_(*inside, write);
    } else {
      write();
    }
  }

  void block(const Block& block) {
    code_->start_block();
    const Value& y = code_->pointer(target_);
    const Value offset =
        code_->row_value_or_zero(place_) + code_->run_offset(target_, *run_, block);
    const loop::Type type = loop::vector(y_.dtype, block.lanes);
    if (block.count) {
      const Value old = b_->load_masked(type, y, offset, *block.count);
      b_->store_masked(combined(old, block), y, offset, *block.count);
    } else {
      b_->store(combined(b_->load(type, y, offset), block), y, offset);
    }
  }

  Value combined(const Value& old, const Block& block) {
    const std::vector<Value> operands{old, code_->value(update_, block)};
    return emit_scalar(*b_, combine_, operands, block.lanes);
  }

  const Request& request_;
  const ir::Scatter& op_;
  const Layout& y_;
  Items items_;
  int target_;
  ir::ScalarExpr combine_;
  std::vector<int> coordinates_, varying_;
  int update_ = -1, place_ = -1;
  std::optional<Run> run_;
  int lanes_ = 1;
  PositionCode* code_ = nullptr;
  loop::Builder* b_ = nullptr;
};

}  // namespace

std::vector<Call> scatter_calls(const Request& request) {
  return {copy_part(request, 0, 0), ScatterKernel(request).make()};
}

}  // namespace dovetail::kernels
