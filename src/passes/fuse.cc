#include "passes/fuse.h"

#include "passes/fuse_elementwise.h"
#include "passes/fuse_epilogues.h"
#include "passes/fuse_rows.h"
#include "passes/simplify.h"
#include "passes/sink_reshapes.h"

namespace dovetail::passes {

void fuse(ir::Graph& graph) {
  sink_reshapes(graph);
  simplify(graph);
  fuse_elementwise(graph);
  fuse_epilogues(graph);
  fuse_rows(graph);
  simplify(graph);
}

}  // namespace dovetail::passes
