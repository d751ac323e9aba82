#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spikelens {

/// The name nearest to a mistyped word: fewest insertions, deletions, substitutions and swaps of neighbours
/// (Damerau–Levenshtein, restricted; ASCII case ignored). Of equally near names the first. Empty when none is within
/// max(2, length / 3) edits, or when the edits would replace the whole word. O(length² · names).
std::string nearest(std::string_view word, const std::vector<std::string>& names);

/// The end of an error message about an unknown word: "; did you mean 'x'?" when a name is near, else "; known are a,
/// b, c".
std::string suggestion(std::string_view word, const std::vector<std::string>& names);

}  // namespace spikelens
