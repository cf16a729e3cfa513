// Sorting (key, index) pairs in scratch memory, largest key first, equal keys in the order given.
#pragma once

#include "kernels/task_writer.h"

namespace dovetail::kernels::order {

// Two regions of pairs, each the keys and then the int64 indices.
class Pairs {
 public:
  // For at most `capacity` pairs; `lanes` of keys.
  Pairs(ir::DType key, int lanes, const ir::Dim& capacity);

  ir::Dim bytes() const { return region_bytes_ * 2; }
  void declare(TaskWriter& writer);  // parameters
  // What follows works in these bytes of scratch.
  void enter(const loop::Value& scratch, const loop::Value& offset);

  // Pair i of the region at byte offset `region`: 0 is the first one, which sort reads.
  loop::Value key(const loop::Value& region, const loop::Value& i) const;
  loop::Value index(const loop::Value& region, const loop::Value& i) const;
  void set(const loop::Value& region, const loop::Value& i, const loop::Value& key,
           const loop::Value& index) const;

  // Sorts the first `count` pairs of the first region; gives the region where they are then.
  loop::Value sort(const loop::Value& count) const;

 private:
  void sort_run(const loop::Value& first, const loop::Value& count) const;
  void merge_runs(const loop::Value& from, const loop::Value& to, const loop::Value& width,
                  const loop::Value& count) const;
  void merge(const loop::Value& from, const loop::Value& to, const loop::Value& first,
             const loop::Value& middle, const loop::Value& last) const;
  loop::Value key_at(const loop::Value& region, const loop::Value& i) const;
  loop::Value index_at(const loop::Value& region, const loop::Value& i) const;

  loop::Builder* b_ = nullptr;
  ir::DType key_;
  int lanes_;
  int64_t run_;  // pairs that are ranked at once
  int merges_;   // that any count needs
  ir::Dim indices_bytes_, region_bytes_;
  loop::Value indices_, region_, scratch_, offset_;
};

}  // namespace dovetail::kernels::order
