<?xml version="1.0" encoding="UTF-8"?>
<CityModel xmlns="http://www.opengis.net/citygml/2.0" xmlns:bldg="http://www.opengis.net/citygml/building/2.0" xmlns:gen="http://www.opengis.net/citygml/generics/2.0" xmlns:gml="http://www.opengis.net/gml" xmlns:xlink="http://www.w3.org/1999/xlink">
  <gml:boundedBy><gml:Envelope srsName="EPSG:25832+7837" srsDimension="3"><gml:lowerCorner>343000 5674000 40</gml:lowerCorner><gml:upperCorner>343010 5674010 46</gml:upperCorner></gml:Envelope></gml:boundedBy>
</CityModel>
