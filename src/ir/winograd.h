// Winograd's minimal filtering of 3x3 windows: t x t output pixels from a patch of t+2 x t+2 by one
// product per patch element and channel, where a direct sum takes 9 t^2.
//
//   y = A^T [ (G g G^T) * (B^T d B) ] A        * elementwise, summed over channels before A
//
// The matrices interpolate at points of the real line: 0, pairs +-p, and infinity. F(2x2) takes 0,
// +-1; F(4x4) takes 0, +-5/8, +-3/2, which halve the rounding error of the usual 0, +-1, +-2
// (measured on He weights). Every entry of A and B is exact in float32.
#pragma once

#include <vector>

namespace dovetail::ir {

struct WinogradTransform {
  int tile = 0;                 // t: output pixels along an axis
  int points = 0;               // t + 2
  std::vector<double> input;    // B^T, points x points
  std::vector<double> weights;  // G, points x 3
  std::vector<double> output;   // A^T, tile x points
};

// Points in the order 0, p, -p, ..., infinity. Of tile 2 or 4.
WinogradTransform winograd_transform(int tile);

// G x G (Kronecker): rows (a, b) of points, columns (i, j) of the window; takes a 3x3 window to its
// products in one contraction.
std::vector<double> winograd_weights(const WinogradTransform& transform);

}  // namespace dovetail::ir
