#include "kernels/order/nms.h"

#include "kernels/order/precedence.h"
#include "kernels/order/sort.h"

namespace dovetail::kernels {
namespace {

using ir::Dim;
using ir::DType;
using loop::Opcode;
using loop::Value;
using loop::Var;

enum Tensor { kBoxes, kScores, kMaxBoxes, kIou, kScore, kRows, kCount };

const Dim kChunkScores = 16384;

// The result's rows (batch, class, box).
class RowTable {
 public:
  void declare(TaskWriter& writer, const Layout& layout) {
    b_ = &writer.code();
    pointer_ = writer.pointer("rows", kRows);
    row_ = writer.integer("row_stride", layout.strides[0] * ir::size_of(layout.dtype));
    column_ = writer.integer("column_stride", layout.strides[1] * ir::size_of(layout.dtype));
  }
  void set(const Value& row, int column, const Value& value) const {
    b_->store(value, pointer_, at(row, column));
  }
  Value get(const Value& row, int column) const {
    return b_->load(loop::scalar(DType::kI64), pointer_, at(row, column));
  }

 private:
  Value at(const Value& row, int column) const { return row * row_ + column_ * int64_t{column}; }
  loop::Builder* b_ = nullptr;
  Value pointer_, row_, column_;
};

// Corners, each a scalar or a vector.
struct Box {
  Value y0, x0, y1, x1;
  Value area() const { return (y1 - y0) * (x1 - x0); }
};

class SuppressKernel {
 public:
  explicit SuppressKernel(const Request& request)
      : op_(*request.node->as<ir::Nms>()),
        boxes_(request.operands[kBoxes]),
        scores_(request.operands[kScores]),
        request_(request),
        lanes_(request.level->vector_bytes / ir::size_of(DType::kF32)),
        contiguous_(scores_.strides[2] == Dim(1)),
        writer_(op_.centered ? "nms_centered" : "nms", request),
        b_(writer_.code()),
        pairs_(DType::kI32, lanes_, boxes_.shape[1]) {}

  Call make() {
    const Dim lines = scores_.shape[0] * scores_.shape[1];
    const Dim per_chunk = max(Dim(1), floordiv(kChunkScores, max(boxes_.shape[1], Dim(1))));
    declare();
    const Value num_lines = writer_.integer("lines", lines);
    const Value lines_per_chunk = writer_.integer("lines_per_chunk", per_chunk);
    scratch_ = b_.address(all_scratch_, b_.worker() * scratch_bytes_);
    pairs_.enter(scratch_, zero());
    read_settings();
    const Value first = b_.chunk() * lines_per_chunk;
    const Value last = min(first + lines_per_chunk, num_lines);
    b_.for_each("line", first, last, 1, [&](const Value& line) { emit(line); });
    return writer_.finish(ceildiv(lines, per_chunk));
  }

 private:
  Value zero() { return b_.constant(int64_t{0}); }

  void declare() {
    static constexpr const char* kNames[] = {"boxes", "scores", "max_boxes", "iou", "score"};
    for (int t = kBoxes; t <= kScore; ++t) pointers_.push_back(writer_.pointer(kNames[t], t));
    rows_.declare(writer_, request_.results[0]);
    for (int i = 0; i < 3; ++i) {
      box_strides_.push_back(
          writer_.integer("box_stride" + std::to_string(i), boxes_.strides[i] * 4));
      score_strides_.push_back(
          writer_.integer("score_stride" + std::to_string(i), scores_.strides[i] * 4));
    }
    classes_ = writer_.integer("classes", scores_.shape[1]);
    num_boxes_ = writer_.integer("num_boxes", boxes_.shape[1]);
    limit_ = writer_.integer("limit", op_.limit);
    pairs_.declare(writer_);
    // Behind the pairs: the corners and areas of the boxes taken, an array each.
    const Dim array = ceildiv((op_.limit + lanes_) * 4, 64) * 64;
    taken_at_ = writer_.integer("taken", pairs_.bytes());
    array_ = writer_.integer("taken_array", array);
    const Dim scratch = pairs_.bytes() + array * 5;
    all_scratch_ = writer_.scratch(scratch);
    scratch_bytes_ = writer_.integer("scratch_bytes", scratch);
  }

  void read_settings() {
    const Value most = b_.load(loop::scalar(DType::kI64), pointers_[kMaxBoxes], zero());
    most_ = min(most, limit_);
    iou_ = b_.load(loop::scalar(DType::kF32), pointers_[kIou], zero());
    threshold_ = b_.load(loop::scalar(DType::kF32), pointers_[kScore], zero());
  }

  void emit(const Value& line) {
    const Value batch = line / classes_;
    const Value of_class = line % classes_;
    const Value candidates = collect(batch * score_strides_[0] + of_class * score_strides_[1]);
    const Value sorted = pairs_.sort(candidates);
    const Value boxes = batch * box_strides_[0];
    const Value first_row = line * limit_;
    const Var taken = b_.var("taken", zero());
    b_.for_each("candidate", zero(), candidates, 1, [&](const Value& i) {
      b_.if_(taken.get() < most_, [&] {
        const Value index = pairs_.index(sorted, i);
        const Box box = load_box(boxes + index * box_strides_[1]);
        b_.if_(overlaps(box, taken.get()) == b_.constant(int64_t{0}, loop::scalar(DType::kI32)),
               [&] {
                 take(box, taken.get());
                 rows_.set(first_row + taken.get(), 2, index);
                 taken.set(taken.get() + 1);
               });
      });
    });
    // The number waits where the batch of the first row will stand.
    b_.if_(limit_ > zero(), [&] { rows_.set(first_row, 0, taken.get()); });
  }

  // Boxes above the threshold become pairs; gives their number.
  Value collect(const Value& offset) {
    const Var count = b_.var("candidates", zero());
    const auto each = [&](const Value& first, const Value& last) {
      b_.for_each("box", first, last, 1, [&](const Value& i) {
        const Value score =
            b_.load(loop::scalar(DType::kF32), pointers_[kScores], offset + i * score_strides_[2]);
        pairs_.set(zero(), count.get(), order::key_code(b_, score, true), i);
        count.set(count.get() + b_.cast(score > threshold_, DType::kI64));
      });
    };
    if (!contiguous_) {
      each(zero(), num_boxes_);
      return count.get();
    }
    // Most boxes are below: vectors without any above are passed over.
    const Value full = num_boxes_ / lanes_ * lanes_;
    b_.for_each("boxes", zero(), full, lanes_, [&](const Value& i) {
      const Value scores = b_.load(loop::vector(DType::kF32, lanes_), pointers_[kScores],
                                   offset + b_.element(i, DType::kF32));
      b_.if_(any(scores > b_.broadcast(threshold_, lanes_)) !=
                 b_.constant(int64_t{0}, loop::scalar(DType::kI32)),
             [&] { each(i, i + lanes_); });
    });
    each(full, num_boxes_);
    return count.get();
  }

  // Not 0 when a lane is true.
  Value any(const Value& lanes) {
    return b_.reduce(Opcode::kReduceMax, b_.cast(lanes, DType::kI32));
  }

  Box load_box(const Value& offset) {
    std::vector<Value> v;
    for (int k = 0; k < 4; ++k) {
      v.push_back(b_.load(loop::scalar(DType::kF32), pointers_[kBoxes],
                          offset + box_strides_[2] * int64_t{k}));
    }
    if (op_.centered) {
      const Value half_width = v[2] * 0.5;
      const Value half_height = v[3] * 0.5;
      return {v[1] - half_height, v[0] - half_width, v[1] + half_height, v[0] + half_width};
    }
    return {min(v[0], v[2]), min(v[1], v[3]), max(v[0], v[2]), max(v[1], v[3])};
  }

  Value array(int k, const Value& i) {
    return taken_at_ + array_ * int64_t{k} + b_.element(i, DType::kF32);
  }

  void take(const Box& box, const Value& i) {
    const Value values[] = {box.y0, box.x0, box.y1, box.x1, box.area()};
    for (int k = 0; k < 5; ++k) b_.store(values[k], scratch_, array(k, i));
  }

  // Not 0 when the box overlaps one of those taken by more than the threshold.
  Value overlaps(const Box& box, const Value& taken) {
    const loop::Type type = loop::vector(DType::kF32, lanes_);
    const Var over = b_.var("over", b_.constant(int64_t{0}, loop::vector(DType::kI32, lanes_)));
    const auto all = [&](const Value& v) { return b_.broadcast(v, lanes_); };
    const Value none = b_.constant(0.0, type);
    const Value area = all(box.area());
    b_.for_each("against", zero(), taken, lanes_, [&](const Value& i) {
      const auto load = [&](int k) { return b_.load(type, scratch_, array(k, i)); };
      const Value height = max(min(all(box.y1), load(2)) - max(all(box.y0), load(0)), none);
      const Value width = max(min(all(box.x1), load(3)) - max(all(box.x0), load(1)), none);
      const Value shared = height * width;
      const Value ratio = b_.select(shared > none, shared / (area + load(4) - shared), none);
      const Value exists = b_.iota(loop::vector(DType::kI32, lanes_)) <
                           all(b_.cast(min(taken - i, b_.constant(int64_t{lanes_})), DType::kI32));
      const Value hit = b_.binary(Opcode::kAnd, exists, ratio > all(iou_));
      over.set(b_.binary(Opcode::kOr, over.get(), b_.cast(hit, DType::kI32)));
    });
    return b_.reduce(Opcode::kReduceMax, over.get());
  }

  const ir::Nms& op_;
  const Layout& boxes_;
  const Layout& scores_;
  const Request& request_;
  int lanes_;
  bool contiguous_;
  TaskWriter writer_;
  loop::Builder& b_;
  order::Pairs pairs_;
  RowTable rows_;
  std::vector<Value> pointers_, box_strides_, score_strides_;
  Value classes_, num_boxes_, limit_, taken_at_, array_, all_scratch_, scratch_bytes_, scratch_;
  Value most_, iou_, threshold_;
};

// The rows of all classes move together; a row only ever moves to the front.
Call compact_call(const Request& request) {
  const ir::Shape& scores = request.operands[kScores].shape;
  TaskWriter writer("nms_compact", request);
  loop::Builder& b = writer.code();
  RowTable rows;
  rows.declare(writer, request.results[0]);
  const Value count = writer.pointer("count", kCount);
  const Value limit = writer.integer("limit", request.node->as<ir::Nms>()->limit);
  const Value classes = writer.integer("classes", scores[1]);
  const Value lines = writer.integer("lines", scores[0] * scores[1]);
  const Value zero = b.constant(int64_t{0});
  const Var to = b.var("to", zero);
  b.if_(limit > zero, [&] {
    b.for_each("line", zero, lines, 1, [&](const Value& line) {
      const Value first = line * limit;
      b.for_each("row", first, first + rows.get(first, 0), 1, [&](const Value& from) {
        const Value box = rows.get(from, 2);
        rows.set(to.get(), 0, line / classes);
        rows.set(to.get(), 1, line % classes);
        rows.set(to.get(), 2, box);
        to.set(to.get() + 1);
      });
    });
  });
  b.store(to.get(), count, zero);
  return writer.finish(1);
}

}  // namespace

std::vector<Call> nms_calls(const Request& request) {
  return {SuppressKernel(request).make(), compact_call(request)};
}

}  // namespace dovetail::kernels
