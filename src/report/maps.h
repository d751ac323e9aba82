#pragma once

#include <string>

#include "page.h"

namespace spikelens::report {

/// "test:417", an image's name in the page's address.
std::string image_name(const ReportImage& image);

/// What it was read as, whether that is right, and how sure the network was.
Html verdict(const Page& page, const ReportImage& image);

/// The picture of an input, as <img>.
Html input_picture(const ReportImage& image, const std::string& description);

/// A place that the page's script paints with a map; without the script, a picture of it; a message where there is
/// nothing to paint.
Html map_picture(const ReportData& data, size_t image, size_t method);

/// Under a map: its colours with the values at both ends (and 0 in the middle of signed ones); empty where nothing is
/// painted.
Html colour_bar(const ReportData& data, size_t image, size_t method);
/// The values at both ends of a bar.
Html ends(double low, double high, bool signed_values);
/// The colours that the bars use, once in the document.
Html colour_ramps();

}  // namespace spikelens::report
