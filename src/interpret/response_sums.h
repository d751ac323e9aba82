#pragma once

#include "spikelens/interpret/responses.h"

namespace spikelens {

/// The sums of the block that the next sample belongs to; an empty node is appended when that block begins.
ResponseMatrices& block_under_way(ResponseSums& sums);

/// Replaces the last two nodes by their parent, as long as they are children of one. The last block must be whole.
void join_whole_nodes(std::vector<ResponseNode>& nodes);

/// Whether both have as many filters and classes and were made with the same options.
bool same_form(const ResponseSums& a, const ResponseSums& b);

}  // namespace spikelens
