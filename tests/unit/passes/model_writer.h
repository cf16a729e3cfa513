// Writes graphs as the importer does: ONNX layouts (NCHW), permutes around windows, normalisations
// as several elementwise nodes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace dovetail::passes {

class ModelWriter {
 public:
  ir::Graph graph;

  ir::Value* input(const std::string& name, ir::Shape shape);
  // Pseudo-random weights, the same in every run; `least` is added to keep variances positive.
  ir::Value* param(const std::string& name, std::vector<int64_t> shape, double least = -1);
  ir::Value* scalar(double value);
  void output(ir::Value* value);

  // x (N,C,H,W), w (M,C/groups,k,k) -> (N,M,oh,ow)
  struct Conv {
    std::string name;
    int64_t channels = 1, kernel = 1, stride = 1, pad = 0, groups = 1;
    int64_t dilation = 1;  // of rows
    bool bias = true;
  };
  ir::Value* conv(ir::Value* x, const Conv& conv);
  ir::Value* batch_norm(ir::Value* x, const std::string& name);
  ir::Value* max_pool(ir::Value* x, int64_t kernel, int64_t stride);
  ir::Value* global_average_pool(ir::Value* x);
  ir::Value* unary(ir::ScalarOp op, ir::Value* x);
  ir::Value* binary(ir::ScalarOp op, ir::Value* a, ir::Value* b);
  ir::Value* relu(ir::Value* x);
  ir::Value* softmax(ir::Value* x, int axis);
  ir::Value* layer_norm(ir::Value* x, const std::string& name);
  // x (N,K) times a param (K,M), plus a bias of M
  ir::Value* linear(ir::Value* x, const std::string& name, int64_t columns);
  ir::Value* permute(ir::Value* x, std::vector<int> perm);
  ir::Value* reshape(ir::Value* x, ir::Shape shape);
  ir::Value* reduce(ir::ReduceKind kind, ir::Value* x, std::vector<int> axes);
  ir::Value* concat(std::vector<ir::Value*> values, int axis);

 private:
  ir::Value* per_channel(ir::Value* vector, int rank);
  uint64_t state_ = 1;
};

// Values of one graph's outputs on pseudo-random inputs with these symbols.
std::vector<ir::TensorData> outputs_of(const ir::Graph& graph,
                                       const std::map<std::string, int64_t>& symbols = {});

// Runs `pass` on a copy of the graph: verifies the result, expects it to be what a second run gives
// (idempotent) and to compute the same within `tolerance`, relative to the largest element of the
// output. Returns the copy.
std::shared_ptr<ir::Graph> expect_same(const ir::Graph& graph, void (*pass)(ir::Graph&),
                                       double tolerance = 0,
                                       const std::map<std::string, int64_t>& symbols = {});

// How many nodes of each kind.
std::map<std::string, int> count_kinds(const ir::Graph& graph);

// The printed graph without the comments that name origins.
std::string text_of(const ir::Graph& graph);

}  // namespace dovetail::passes
