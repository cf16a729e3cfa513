#include "kernels/order/sort.h"

#include "kernels/scalar/reduction.h"

namespace dovetail::kernels::order {

using ir::Dim;
using ir::DType;
using loop::Opcode;
using loop::Value;
using loop::Var;

namespace {

constexpr int kVectorsOfRun = 4;
// Merges double the width of runs: enough for any count.
constexpr int kMostMerges = 60;

int merges_for(const Dim& capacity, int64_t run) {
  if (!capacity.is_constant()) return kMostMerges;
  int merges = 0;
  for (int64_t width = run; width < capacity.value(); width *= 2) ++merges;
  return merges;
}

Dim rounded(const Dim& bytes) { return ceildiv(bytes, 64) * 64; }

}  // namespace

// Keys are followed by a run that is read, but never one of the results.
Pairs::Pairs(DType key, int lanes, const Dim& capacity)
    : key_(key),
      lanes_(lanes),
      run_(int64_t{kVectorsOfRun} * lanes),
      merges_(merges_for(capacity, run_)),
      indices_bytes_(rounded((capacity + run_) * ir::size_of(key))),
      region_bytes_(indices_bytes_ + rounded((capacity + 1) * 8)) {}

void Pairs::declare(TaskWriter& writer) {
  b_ = &writer.code();
  indices_ = writer.integer("pair_indices", indices_bytes_);
  region_ = writer.integer("pair_region", region_bytes_);
}

void Pairs::enter(const Value& scratch, const Value& offset) {
  scratch_ = scratch;
  offset_ = offset;
}

Value Pairs::key_at(const Value& region, const Value& i) const {
  return offset_ + region + b_->element(i, key_);
}

Value Pairs::index_at(const Value& region, const Value& i) const {
  return offset_ + region + indices_ + b_->element(i, DType::kI64);
}

Value Pairs::key(const Value& region, const Value& i) const {
  return b_->load(loop::scalar(key_), scratch_, key_at(region, i));
}

Value Pairs::index(const Value& region, const Value& i) const {
  return b_->load(loop::scalar(DType::kI64), scratch_, index_at(region, i));
}

void Pairs::set(const Value& region, const Value& i, const Value& key, const Value& index) const {
  b_->store(key, scratch_, key_at(region, i));
  b_->store(index, scratch_, index_at(region, i));
}

// Runs by ranks, from the first region to the second; then merges to and fro.
Value Pairs::sort(const Value& count) const {
  const Value zero = b_->constant(int64_t{0});
  const loop::Type keys = loop::vector(key_, lanes_);
  for (int i = 0; i < kVectorsOfRun; ++i)
    b_->store(extreme_of(*b_, keys, false), scratch_, key_at(zero, count + int64_t{i} * lanes_));
  b_->for_each("run", zero, count, run_, [&](const Value& first) {
    sort_run(first, min(count - first, b_->constant(run_)));
  });
  const Var from = b_->var("from", region_);
  const Var width = b_->var("width", b_->constant(run_));
  b_->for_each("merges", zero, b_->constant(int64_t{merges_}), 1, [&](const Value&) {
    b_->if_(width.get() < count, [&] {
      const Value to = region_ - from.get();
      merge_runs(from.get(), to, width.get(), count);
      from.set(to);
      width.set(width.get() * 2);
    });
  });
  return from.get();
}

// The place of a pair is the number of those before it: larger keys, and equal ones in front.
void Pairs::sort_run(const Value& first, const Value& count) const {
  const Value zero = b_->constant(int64_t{0});
  const loop::Type counts = loop::vector(key_, lanes_);
  std::vector<Value> keys;
  for (int i = 0; i < kVectorsOfRun; ++i) {
    keys.push_back(
        b_->load(loop::vector(key_, lanes_), scratch_, key_at(zero, first + int64_t{i} * lanes_)));
  }
  const Value iota = b_->iota(counts);
  b_->for_each("ranked", zero, count, 1, [&](const Value& i) {
    const Value key = this->key(zero, first + i);
    const Value all_keys = b_->broadcast(key, lanes_);
    const Value all_i = b_->broadcast(b_->cast(i, key_), lanes_);
    Value before = b_->constant(int64_t{0}, counts);
    for (int v = 0; v < kVectorsOfRun; ++v) {
      const Value in_front = iota + int64_t{v} * lanes_ < all_i;
      const Value equal = b_->binary(Opcode::kAnd, in_front, keys[v] == all_keys);
      const Value takes = b_->binary(Opcode::kOr, equal, keys[v] > all_keys);
      before = before + b_->cast(takes, key_);
    }
    const Value rank = b_->cast(b_->reduce(Opcode::kReduceAdd, before), DType::kI64);
    set(region_, first + rank, key, index(zero, first + i));
  });
}

void Pairs::merge_runs(const Value& from, const Value& to, const Value& width,
                       const Value& count) const {
  const Value zero = b_->constant(int64_t{0});
  const Value twice = width * 2;
  b_->for_each("pair_of_runs", zero, (count + twice - 1) / twice, 1, [&](const Value& pair) {
    const Value first = pair * twice;
    const Value middle = min(first + width, count);
    merge(from, to, first, middle, min(middle + width, count));
  });
}

// Without branches: each step loads the heads of both runs and moves one of them.
void Pairs::merge(const Value& from, const Value& to, const Value& first, const Value& middle,
                  const Value& last) const {
  const Var left = b_->var("left", first);
  const Var right = b_->var("right", middle);
  b_->for_each("merged", first, last, 1, [&](const Value& i) {
    const Value l = left.get();
    const Value r = right.get();
    const Value left_key = key(from, l);
    const Value right_key = key(from, r);
    const Value takes_left = b_->binary(
        Opcode::kOr, r >= last, b_->binary(Opcode::kAnd, l < middle, left_key >= right_key));
    const Value step = b_->cast(takes_left, DType::kI64);
    set(to, i, b_->select(takes_left, left_key, right_key),
        index(from, b_->select(takes_left, l, r)));
    left.set(l + step);
    right.set(r + 1 - step);
  });
}

}  // namespace dovetail::kernels::order
