<?xml version="1.0" encoding="UTF-8"?>
<CityModel xmlns="http://www.opengis.net/citygml/3.0" xmlns:bldg="http://www.opengis.net/citygml/building/3.0" xmlns:con="http://www.opengis.net/citygml/construction/3.0" xmlns:gml="http://www.opengis.net/gml/3.2">
  <gml:boundedBy><gml:Envelope srsName="EPSG:25832+7837" srsDimension="3"><gml:lowerCorner>343000 5674000 40</gml:lowerCorner><gml:upperCorner>343010 5674010 46</gml:upperCorner></gml:Envelope></gml:boundedBy>
  <cityObjectMember>
    <bldg:Building gml:id="B1">
      <boundary><con:RoofSurface gml:id="r"><lod0MultiSurface><gml:MultiSurface gml:id="m1"><gml:surfaceMember><gml:Polygon gml:id="p_r"><gml:exterior><gml:LinearRing><gml:posList>343000 5674000 46 343010 5674000 46 343010 5674008 46 343000 5674008 46 343000 5674000 46</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface></lod0MultiSurface></con:RoofSurface></boundary>
      <lod0MultiSurface><gml:MultiSurface gml:id="m3"><gml:surfaceMember><gml:Polygon gml:id="p_s"><gml:exterior><gml:LinearRing><gml:posList>343000 5674000 40 343000 5674008 40 343010 5674008 40 343010 5674000 40 343000 5674000 40</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface></lod0MultiSurface>
    </bldg:Building>
  </cityObjectMember>
</CityModel>
