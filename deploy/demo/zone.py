"""What the demo knows of the Liuzhou catalogue: its own copy, so that its check does not rest on our reading of it."""

import datetime
import os

PARKS = ["liudong", "hexi", "yanghe", "luowei", "liubei", "xinxing"]
NAMES = {
    "liudong": "柳州国家高新技术产业开发区（柳东新区）",
    "hexi": "柳州河西高新技术产业开发区",
    "yanghe": "阳和工业新区（北部生态新区）",
    "luowei": "洛维工业集中区",
    "liubei": "柳北工业园",
    "xinxing": "柳江新兴工业园",
    "city": "柳州市",
}
PARENTS = {  # of areas; a unit outside the boundary counts in its park only
    "liudong": "core",
    "hexi": "core",
    "yanghe": "automobile",
    "luowei": "automobile",
    "liubei": "machinery",
    "xinxing": "machinery",
    "core": "zone",
    "automobile": "zone",
    "machinery": "zone",
}
BOUNDARY_ONLY = {"zone", "core", "automobile", "machinery"}
AREAS = ["zone", "core", "automobile", "machinery"] + PARKS + ["city"]

CLUSTERS = [
    "automobile", "machinery", "steel", "special_steel", "new_energy_vehicles", "high_end_equipment",
    "rail_transit", "smart_grid", "prefabricated_building", "electronics", "new_materials", "energy_saving",
    "biomedicine", "intelligent_manufacturing", "producer_services",
]
INDUSTRIES = {
    "industry_c31": ("C31",),
    "industry_machinery": ("C34", "C35"),
    "industry_c36": ("C36",),
    "industry_c39": ("C39",),
    "services": tuple("FGHIJKLMNOPQR"),
}
SLICES = (["all", "above_scale", "high_tech", "sei"] + CLUSTERS + ["outside_boundary"] + list(INDUSTRIES))


def slices_of(unit):
    """The slices that count a unit, a row of the register."""
    flags = unit["flags"].split(";")
    found = ["all"] + [flag for flag in ("above_scale", "high_tech", "sei") if flag in flags]
    found += [cluster for cluster in CLUSTERS if cluster in unit["clusters"].split(";")]
    if unit["in_boundary"] == "0":
        found.append("outside_boundary")
    return found + [code for code, prefixes in INDUSTRIES.items() if unit["industry"].startswith(prefixes)]


def areas_of(unit):
    """The areas that count a unit, each once."""
    found = set()
    for area in unit["parks"].split(";"):
        while area:
            if unit["in_boundary"] != "0" or area not in BOUNDARY_ONLY:
                found.add(area)
            area = PARENTS.get(area)
    return found


# --- indicators: 中文, English, measure, kind

FIGURES = {
    "gross_output": ("工业总产值（当年价格）", "Gross industrial output", "千元", "flow"),
    "sales_output": ("工业销售产值（当年价格）", "Industrial sales output", "千元", "flow"),
    "export_delivery": ("出口交货值", "Export delivery value", "千元", "flow"),
    "electricity": ("企业用电量", "Electricity consumption", "万千瓦时", "flow"),
    "revenue": ("营业收入", "Operating revenue", "千元", "flow"),
    "total_profit": ("利润总额", "Total profit", "千元", "flow"),
    "taxes_paid": ("实际上缴税费", "Taxes paid", "千元", "flow"),
    "rd_expense_accounting": ("研发费用（会计）", "R&D expense (accounting)", "千元", "flow"),
    "staff": ("从业人员期末人数", "Staff at the end of the period", "人", "stock"),
    "rd_staff": ("研究开发人员合计", "R&D staff", "人", "stock"),
    "rd_expense": ("研究开发费用合计", "R&D expenditure (statistical)", "千元", "flow"),
    "rd_labour": ("人员人工费用", "R&D labour", "千元", "flow"),
    "rd_direct": ("直接投入费用", "R&D direct input", "千元", "flow"),
    "rd_depreciation": ("折旧费用与长期待摊费用", "R&D depreciation", "千元", "flow"),
    "rd_amortisation": ("无形资产摊销费用", "R&D amortisation", "千元", "flow"),
    "rd_design": ("设计费用", "R&D design", "千元", "flow"),
    "rd_trial": ("装备调试费用与试验费用", "R&D commissioning and trials", "千元", "flow"),
    "rd_outsourced": ("委托外部研究开发费用", "Outsourced R&D", "千元", "flow"),
    "rd_other": ("其他研究开发费用", "Other R&D expenditure", "千元", "flow"),
    "patent_applications": ("当年专利申请数", "Patent applications", "件", "flow"),
    "invention_applications": ("当年发明专利申请数", "Invention patent applications", "件", "flow"),
    "invention_patents": ("期末有效发明专利数", "Invention patents in force", "件", "stock"),
    "new_product_sales": ("新产品销售收入", "New-product sales", "千元", "flow"),
    "rd_intramural": ("R&D经费内部支出", "Intramural R&D expenditure", "千元", "flow"),
    "sei_output": ("战略性新兴产业总产值", "Output of strategic emerging industries", "千元", "flow"),
    "incubated_total": ("累计孵化企业", "Start-ups incubated since the beginning", "家", "stock"),
    "incubators": ("孵化器", "Incubators", "个", "stock"),
    "platforms": ("公共研发检测服务平台", "Public R&D and testing platforms", "个", "stock"),
    "institutions": ("自治区级及以上研发机构", "Research institutions of autonomous-region level or above", "个", "stock"),
    "high_level_talent": ("引进高层次人才", "High-level talent attracted", "人", "flow"),
    "platforms_automobile": ("其中：汽车及零部件平台", "Platforms: vehicles and parts", "个", "stock"),
    "platforms_machinery": ("其中：工程机械及装备平台", "Platforms: construction machinery and equipment", "个", "stock"),
    "platforms_electronics": ("其中：电子信息平台", "Platforms: electronics", "个", "stock"),
    "platforms_materials": ("其中：新材料平台", "Platforms: new materials", "个", "stock"),
    "growth_revenue": ("培育企业营业收入", "Revenue (growth plan)", "千元", "flow"),
    "growth_rd": ("培育企业研发投入", "R&D input (growth plan)", "千元", "flow"),
    "growth_new_products": ("培育企业新产品收入", "New-product revenue (growth plan)", "千元", "flow"),
    "growth_revenue_next": ("下一年营业收入目标", "Revenue promised for the next year", "千元", "flow"),
    "city_output": ("全市规模以上工业总产值", "Above-scale industrial output of the city", "千元", "flow"),
    "population": ("常住人口", "Resident population", "万人", "stock"),
    "st_funds": ("市级财政科技经费", "Municipal science and technology funds", "千元", "flow"),
    "city_invention_patents": ("全市有效发明专利", "Invention patents in force in the city", "件", "stock"),
    "hightech_revenue_outside": ("园区外高新技术企业营业收入", "Revenue of high-tech enterprises outside the zone", "千元", "flow"),
}
DECIMALS = {"population": 2}  # of others 0
COUNTS_BY_FLAG = {  # class, flag
    "above_scale_enterprises": ("enterprise", "above_scale"),
    "high_tech_enterprises": ("enterprise", "high_tech"),
    "incubators_regional": ("incubator", "autonomous_region_level"),
    "startup_bases": ("incubator", "startup_base"),
    "maker_spaces": ("incubator", "maker_space"),
    "ip_pilot_parks": ("park", "ip_pilot"),
}
COUNTS_BY_REVENUE = {  # at least, less than, in 千元
    "revenue_tier_100bn": (100_000_000, None),
    "revenue_tier_30bn": (30_000_000, 50_000_000),
    "revenue_tier_10bn": (10_000_000, 30_000_000),
    "revenue_at_least_30bn": (30_000_000, None),
    "revenue_at_least_10bn": (10_000_000, None),
    "revenue_at_least_100m": (100_000, None),
    "sme_over_100m": (100_000, 400_000),
}
RATIOS = {  # of sums, in %
    "rd_intensity": ("rd_expense", "revenue"),
    "profit_margin": ("total_profit", "revenue"),
    "sales_ratio": ("sales_output", "gross_output"),
    "export_share": ("export_delivery", "sales_output"),
    "new_product_share": ("new_product_sales", "revenue"),
}

# --- forms

FOUR = ("", ".ytd", ".ly", ".ytd_ly")


def _columns(*indicators, variants=("",)):
    return [indicator + variant for indicator in indicators for variant in variants]


FORMS = {
    "output-monthly": _columns("gross_output", "sales_output", "export_delivery", "electricity", variants=FOUR),
    "finance-monthly": _columns("revenue", "total_profit", "taxes_paid", "rd_expense_accounting",
                                variants=(".ytd", ".ytd_ly")) + ["staff"],
    "rd-yearly": _columns("rd_staff", "rd_expense", "rd_labour", "rd_direct", "rd_depreciation", "rd_amortisation",
                          "rd_design", "rd_trial", "rd_outsourced", "rd_other", "patent_applications",
                          "invention_applications", "invention_patents", "new_product_sales", "rd_intramural",
                          "sei_output"),
    "carriers-yearly": _columns("incubated_total", "incubators", "platforms", "institutions", "high_level_talent",
                                "platforms_automobile", "platforms_machinery", "platforms_electronics",
                                "platforms_materials"),
    "growth-yearly": _columns("growth_revenue", "growth_rd", "growth_new_products", "growth_revenue_next"),
    "city-monthly": _columns("city_output", variants=FOUR),
    "city-yearly": ["population"],
    "city-funds-yearly": ["st_funds"],
    "city-innovation-yearly": ["city_invention_patents", "hightech_revenue_outside"],
}
CLASSES = {"output-monthly": ("enterprise", "establishment"), "finance-monthly": ("enterprise", "establishment"),
           "rd-yearly": ("enterprise", "establishment"), "carriers-yearly": ("park", "incubator"),
           "growth-yearly": ("enterprise",),
           "city-monthly": ("city",), "city-yearly": ("city",), "city-funds-yearly": ("city",),
           "city-innovation-yearly": ("city",)}
POPULATION = {"output-monthly": "above_scale", "finance-monthly": "above_scale", "rd-yearly": "above_scale",
              "growth-yearly": "growth_plan"}
JOINT = {"output-monthly", "city-monthly"}  # January and February are one period
BUREAUX = {  # agent: its forms
    "tongji": ("市统计局", ["city-monthly", "city-yearly"]),
    "caizheng": ("市财政局", ["city-funds-yearly"]),
    "keji": ("市科技局", ["city-innovation-yearly"]),
}

# The words for a column's variant.
WORDS_ZH = {"": "本月", ".ytd": "1—本月", ".ly": "上年同月", ".ytd_ly": "上年1—本月"}


def name_zh(column):
    """As a heading in one cell: 工业总产值（当年价格）（1—本月）."""
    indicator, _, variant = column.partition(".")
    name = FIGURES[indicator][0]
    return f"{name}（{WORDS_ZH['.' + variant]}）" if variant else name


def periods(form, year=2018):
    if "monthly" not in form:
        return [str(year)]
    months = [f"{year}-{month:02}" for month in range(3, 13)]
    return [f"{year}-01/P2M" if form in JOINT else f"{year}-02"] + months


def months_of(period):
    """Year, first and last month."""
    if period.endswith("/P2M"):
        return int(period[:4]), 1, 2
    if len(period) == 4:
        return int(period), 1, 12
    if period[5] == "Q":
        last = int(period[6]) * 3
        return int(period[:4]), last - 2, last
    return int(period[:4]), int(period[5:]), int(period[5:])


def last_day(period):
    year, _, month = months_of(period)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return f"{year}-{month:02}-{[31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]}"


def first_day(period):
    year, month, _ = months_of(period)
    return f"{year}-{month:02}-01"


# --- the register, as the generator writes it


def version_between(versions, first, last):
    """Of a unit's versions the last one in force on any day from first to last, or None."""
    found = None
    for n, version in enumerate(versions):
        end = version["to"] or "9999-12-31"
        if n + 1 < len(versions) and versions[n + 1]["from"] <= end:
            end = "" if versions[n + 1]["from"] <= version["from"] else _day_before(versions[n + 1]["from"])
        if version["from"] <= last and end >= first:
            found = version
    return found


def _day_before(day):
    return (datetime.date.fromisoformat(day) - datetime.timedelta(1)).isoformat()


def governing(versions, period):
    return version_between(versions, first_day(period), last_day(period))


# --- what people read


def words(english, chinese):
    return chinese if os.environ.get("LANGUAGE", "").startswith("zh") else english
