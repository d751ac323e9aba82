#include <cstdio>

#include "spikelens/data/dataset.h"
#include "spikelens/draw/colour.h"
#include "spikelens/io/array_file.h"
#include "spikelens/io/picture.h"
#include "spikelens/report/report.h"

int main() {
    spikelens::ArrayFile file;
    file.arrays["picture"] = spikelens::colour_map(spikelens::FloatArray({2, 2}, 1.0F), spikelens::Colours::heat);
    spikelens::write_arrays("consumer.h5", file);
    const bool same = spikelens::read_arrays("consumer.h5").arrays == file.arrays;
    spikelens::ReportData data;
    data.run = "nothing yet";
    const bool has_report = !spikelens::report_html(data).empty();
    std::printf("%zu known data sets, file %s, report %s\n", spikelens::known_datasets().size(),
                same ? "same" : "differs", has_report ? "made" : "missing");
    return same && has_report ? 0 : 1;
}
