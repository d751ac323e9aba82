#include "pictures.h"

namespace spikelens::app {

FloatArray drawable(const FloatArray& picture) {
    if (picture.shape[0] != 2) return picture;
    FloatArray colours({3, picture.shape[1], picture.shape[2]});
    const int64_t pixels = picture.row_size();
    for (int64_t i = 0; i < pixels; ++i) {
        colours.data[i] = picture.data[pixels + i];
        colours.data[2 * pixels + i] = picture.data[i];
    }
    return colours;
}

}  // namespace spikelens::app
